/** Derived forms that are shorter are in too many words to be looked for. */
const SHORTEST_CODE = 6;

/** A secret as it may stand in a text: in JSON, in a URL or a form, and in base64 or hexadecimal, alone or with other bytes around it. */
export function formsOf(secret: string): readonly string[] {
  const json = inJson(secret);
  const bytes = Buffer.from(secret);
  const codes = [...[0, 1, 2].flatMap((before) => inBase64(bytes, before)), bytes.toString('hex')];
  return [
    ...new Set([
      ...[secret, json, inJson(json), inAscii(json), ...inUrl(secret)],
      ...codes.filter(({ length }) => length >= SHORTEST_CODE),
    ]),
  ];
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** As Python writes JSON. */
const inAscii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function inUrl(text: string): string[] {
  try {
    return [encodeURIComponent(text), new URLSearchParams([['', text]]).toString().slice(1)];
  } catch {
    return []; // half of a surrogate pair has no such form
  }
}

/** The characters that nothing but the secret decides, when so many bytes of a group of three come before it. */
function inBase64(secret: Buffer, before: number): string[] {
  const code = Buffer.concat([Buffer.alloc(before), secret]).toString('base64url');
  const own = code.slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6));
  return [own, own.replaceAll('-', '+').replaceAll('_', '/')];
}
