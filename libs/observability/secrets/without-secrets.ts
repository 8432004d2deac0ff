import { secretsInHand } from '../work.js';
import { formsOf } from './forms.js';

export const SECRET = '[secret]';

/** Shorter values are in too many words to be looked for. */
const SHORTEST = 4;
const LONGEST_TEXT = 16_384;

/** Values that are never to be written by this process. */
const ofThisProcess = new Set<string>();

/** Takes care that none of these is ever written by this process: its own key, the passwords in its URLs. */
export function neverLog(values: Iterable<string | null | undefined>): void {
  for (const value of values) if (value) ofThisProcess.add(value);
}

/** The passwords in the URLs of services, as they are written there and as they are meant. */
export function passwordsIn(...urls: readonly (string | null)[]): string[] {
  return urls.flatMap((url) => {
    const { password } = url !== null && URL.canParse(url) ? new URL(url) : { password: '' };
    return password === '' ? [] : [password, decoded(password)];
  });
}

const TELLING =
  /:\/\/|basic|bearer|authori|passw|passphrase|secret|token|private|credential|access.?code|api.?key|signature|BEGIN/i;

/** Each is linear in the text. */
const PATTERNS: readonly [RegExp, string | ((...found: string[]) => string)][] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, SECRET],
  [/(:\/\/)[^\s"'\\/?#<>]*@/g, `$1${SECRET}@`],
  [/(authorization\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?)[^"'\\\r\n]+/gi, `$1${SECRET}`],
  [/\b(bearer\s{1,8})[\w.~+/=-]{8,}/gi, `$1${SECRET}`],
  [/\b(basic\s{1,8})([a-z0-9+/]{4,}={0,2})/gi, (whole, word, code) => (isLogin(code!) ? `${word}${SECRET}` : whole!)],
  [
    /((?:password|passwd|passphrase|secret|token|private|credential|access_?code|api_?key|signature)[\w-]{0,32}\\?["']?\s{0,8}[:=]\s{0,8})(\\?"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&"'}\])]+)/gi,
    `$1${SECRET}`,
  ],
];

/** The text without what must not be written: the secrets in hand, logins in URLs and headers, whatever is called a password in it. */
export function withoutSecrets(text: string): string {
  // Cut off only afterwards, since half of a secret would not be found.
  let left = without(text.slice(0, 2 * LONGEST_TEXT), secretsInHand(), ofThisProcess);
  if (left.length > LONGEST_TEXT) left = `${left.slice(0, LONGEST_TEXT)}…`;
  if (!TELLING.test(left)) return left;
  for (const [pattern, instead] of PATTERNS) left = left.replace(pattern, instead as string);
  return left;
}

/** The text without the secrets that the work in hand has to do with, and else as it is. */
export function withoutSecretsInHand(text: string): string {
  return without(text, secretsInHand());
}

/** The text without these values, in whatever form. The longest first: what is left of one that has another in it would tell it. */
function without(text: string, ...secrets: readonly ReadonlySet<string>[]): string {
  const told = secrets.flatMap((some) => formsOfAll(some).filter((form) => text.includes(form)));
  return told.sort((a, b) => b.length - a.length).reduce((left, form) => left.replaceAll(form, SECRET), text);
}

/** Found once for all lines of a piece of work, and gone with it. */
const known = new WeakMap<ReadonlySet<string>, { size: number; forms: readonly string[] }>();

function formsOfAll(secrets: ReadonlySet<string>): readonly string[] {
  let found = known.get(secrets);
  if (found?.size !== secrets.size) {
    const forms = [...secrets].filter((secret) => secret.length >= SHORTEST && secret !== SECRET).flatMap(formsOf);
    known.set(secrets, (found = { size: secrets.size, forms }));
  }
  return found.forms;
}

const isLogin = (code: string): boolean => Buffer.from(code, 'base64').includes(':');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
