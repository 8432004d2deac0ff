interface Range {
  type: string;
  subtype: string;
  quality: number;
}

/**
 * Which of the offered media types an `Accept` header wants most; the first one offered wins a tie. `undefined`: none of them.
 * No header, or an empty one, wants anything.
 */
export function bestOf(accept: string | undefined, offered: readonly string[]): string | undefined {
  if (!accept || accept === '*/*') return offered[0];
  const ranges = accept.split(',').flatMap(parseRange);
  let best: { type: string; quality: number } | undefined;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > (best?.quality ?? 0)) best = { type, quality };
  }
  return best?.type;
}

function parseRange(text: string): Range[] {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const [type, subtype] = name.split('/');
  if (!type || !subtype) return [];
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split('=')[1];
  const quality = weight === undefined ? 1 : Number(weight.trim());
  return [{ type, subtype, quality: quality >= 0 && quality <= 1 ? quality : 0 }];
}

/** The most specific range that fits decides, whatever its place: `application/json;q=0, *` wants anything but JSON. */
function qualityOf(offer: string, ranges: readonly Range[]): number {
  const [type, subtype] = offer.split('/');
  const exact = ranges.find((range) => range.type === type && range.subtype === subtype);
  const group = ranges.find((range) => range.type === type && range.subtype === '*');
  const any = ranges.find((range) => range.type === '*' && range.subtype === '*');
  return (exact ?? group ?? any)?.quality ?? 0;
}
