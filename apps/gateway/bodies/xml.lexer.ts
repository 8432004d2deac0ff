import { ViceError } from '#libs/errors';

const NAME = '[\\p{L}_][\\p{L}\\p{N}\\p{M}._:·-]*';
const ATTRIBUTE = `\\s+${NAME}\\s*=\\s*(?:"[^<"]*"|'[^<']*')`;
const REFERENCE = '&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});';

/** Everything that a document may consist of. A DOCTYPE is not among it: it is where the attacks on XML parsers begin. */
const TOKEN = new RegExp(
  [
    '(?<comment><!--[^-]*(?:-[^-]+)*-->)',
    '(?<cdata><!\\[CDATA\\[[^\\]]*(?:\\](?!\\]>)[^\\]]*)*\\]\\]>)',
    `(?<instruction><\\?(?![xX][mM][lL]\\s)${NAME}(?:\\s[^?]*(?:\\?(?!>)[^?]*)*)?\\?>)`,
    `(?<close></${NAME}\\s*>)`,
    `(?<open><${NAME}(?:${ATTRIBUTE})*\\s*(?<empty>/)?>)`,
    `(?<text>[^<&]+|${REFERENCE})`,
  ].join('|'),
  'yu',
);
const XML_DECLARATION = /^<\?xml\s+version\s*=\s*(?:"1\.\d"|'1\.\d')(?<rest>[^?<>]*)\?>/;
const ILLEGAL = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const MAX_DEPTH = 32;

/**
 * Refuses what the parser would let pass: a DOCTYPE, unknown entities, stray `&`, `<` and `]]>`, characters outside XML 1.0, text or a
 * second element beside the root. That elements close in order is left to the parser.
 */
export function refuseMalformedXml(xml: string): void {
  if (ILLEGAL.test(xml)) throw malformed('it holds a character that XML 1.0 does not allow');
  const declaration = XML_DECLARATION.exec(xml);
  const encoding = /encoding\s*=\s*["']([^"']*)["']/.exec(declaration?.groups?.['rest'] ?? '')?.[1];
  if (encoding && !/^(utf-?8|us-ascii)$/i.test(encoding)) throw malformed(`its encoding is ${encoding}; send UTF-8`);

  let depth = 0;
  let roots = 0;
  TOKEN.lastIndex = declaration?.[0].length ?? 0;
  while (TOKEN.lastIndex < xml.length) {
    const start = TOKEN.lastIndex;
    const token = TOKEN.exec(xml)?.groups;
    if (!token) throw malformed(`${faultAt(xml, start)} ${place(xml, start)}`);
    const { open, empty, close, text, cdata } = token;
    if (depth === 0 && (cdata !== undefined || text?.trim()))
      throw malformed(`text outside the root element ${place(xml, start)}`);
    if (text?.includes(']]>')) throw malformed(`"]]>" in text ${place(xml, start)}`);
    if (open) {
      if (depth === 0) roots += 1;
      if (!empty) depth += 1;
      if (depth > MAX_DEPTH) throw malformed(`its elements are nested more than ${MAX_DEPTH} deep`);
    }
    if (close) depth -= 1;
    if (depth < 0) throw malformed(`an element is closed that was not opened ${place(xml, start)}`);
  }
  if (roots !== 1) throw malformed(roots === 0 ? 'it has no root element' : 'it has more than one root element');
  if (depth !== 0) throw malformed('an element is not closed');
}

function faultAt(xml: string, start: number): string {
  if (/^<!DOCTYPE/i.test(xml.slice(start, start + 9))) return 'a DOCTYPE is not accepted';
  return xml[start] === '&' ? 'an unknown entity or a stray "&"' : 'something that is no element, text or comment';
}

function place(xml: string, index: number): string {
  const lines = xml.slice(0, index).split('\n');
  return `(line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`;
}

export const malformed = (why: string): ViceError => new ViceError('INVALID_INPUT', `the body is not well-formed XML: ${why}`);
