import { quote, refused } from './refusal.js';

/** Of objects and lists within each other. What is kept of a document nests a few levels deeper in a job's result, which may have 64. */
const MAX_DEPTH = 32;

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OBJECT, OBJECT_END, LIST, LIST_END] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Looks for what JSON.parse takes without a word, before it does: JSON that is nested so deep that it could not be written again, and with `uniqueKeys` an
 * object that has one key twice. JSON.parse keeps the last of the two, but Go merges them where they are objects or lists. Throws CONTENT_REFUSED, and
 * SyntaxError for a key that is damaged; whether the rest is JSON at all is for JSON.parse to say. `what` names the document in the message.
 */
export function checkJson(text: string, what: string, { uniqueKeys }: { uniqueKeys: boolean }): void {
  /** Of each object and list around, its keys so far; undefined where there is none. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === OBJECT || code === LIST) {
      if (open.length === MAX_DEPTH) throw refused(`${what} is nested more than ${MAX_DEPTH} levels deep`);
      open.push(undefined);
    } else if (code === OBJECT_END || code === LIST_END) {
      open.pop();
    } else if (code === QUOTE) {
      const end = endOfString(text, at);
      if (uniqueKeys && isKey(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string;
        const keys = (open[open.length - 1] ??= new Set());
        if (keys.has(key)) throw refused(`${what} has the key ${quote(key)} twice in one object`);
        keys.add(key);
      }
      at = end - 1;
    }
  }
}

/** Behind the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

/** Whether the string that ends there is one: what follows is a colon. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (' \t\r\n'.includes(text.charAt(at)) && at < text.length) at++;
  return text.charCodeAt(at) === COLON;
}
