import { secretsInHand } from '../work.js';

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

const TELLING = /:\/\/|basic|bearer|authori|passw|passphrase|secret|token|private|credential|access.?code|api.?key|BEGIN/i;

/** Each is linear in the text. */
const PATTERNS: readonly [RegExp, string | ((...found: string[]) => string)][] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, SECRET],
  [/(:\/\/)[^\s"'\\/?#<>]*@/g, `$1${SECRET}@`],
  [/(authorization\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?)[^"'\\\r\n]+/gi, `$1${SECRET}`],
  [/\b(bearer\s{1,8})[\w.~+/=-]{8,}/gi, `$1${SECRET}`],
  [/\b(basic\s{1,8})([a-z0-9+/]{4,}={0,2})/gi, (whole, word, code) => (isLogin(code!) ? `${word}${SECRET}` : whole!)],
  [
    /((?:password|passwd|passphrase|secret|token|private|credential|access_?code|api_?key)[\w-]{0,32}\\?["']?\s{0,8}[:=]\s{0,8})(\\?"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&"'}\])]+)/gi,
    `$1${SECRET}`,
  ],
];

/** The text without what must not be written: the secrets in hand, logins in URLs and headers, whatever is called a password in it. */
export function withoutSecrets(text: string): string {
  let left = withoutSecretsInHand(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);
  for (const secret of ofThisProcess) left = without(left, secret);
  if (!TELLING.test(left)) return left;
  for (const [pattern, instead] of PATTERNS) left = left.replace(pattern, instead as string);
  return left;
}

/** The text without the secrets that the work in hand has to do with, and else as it is. */
export function withoutSecretsInHand(text: string): string {
  let left = text;
  for (const secret of secretsInHand()) left = without(left, secret);
  return left;
}

/** The text without one value, also where it stands in a URL or in JSON. */
function without(text: string, secret: string): string {
  if (secret.length < SHORTEST || secret === SECRET) return text;
  let left = text;
  for (const form of formsOf(secret)) if (left.includes(form)) left = left.replaceAll(form, SECRET);
  return left;
}

function formsOf(secret: string): string[] {
  return [...new Set([secret, JSON.stringify(secret).slice(1, -1), encoded(secret)])];
}

const isLogin = (code: string): boolean => Buffer.from(code, 'base64').includes(':');

const decoded = (text: string): string => orAsItIs(text, decodeURIComponent);
const encoded = (text: string): string => orAsItIs(text, encodeURIComponent);

function orAsItIs(text: string, changed: (text: string) => string): string {
  try {
    return changed(text);
  } catch {
    return text;
  }
}
