import { type InspectableBytes } from './inspection.js';
import { invalid, refused } from './refusal.js';

const BYTE_ORDER_MARK = '\ufeff';
// What tells binary content from text.
const CONTROL = /[\x00-\x08\x0b\x0e-\x1f\x7f]/;

/** Undefined for what is no text. A character cut off at the end is forgiven where `head` says that more follows. */
export function decodeText(bytes: Buffer, { head = false } = {}): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: head });
    return CONTROL.test(text) ? undefined : text.replace(BYTE_ORDER_MARK, '');
  } catch {
    return undefined;
  }
}

export const isText = (head: Buffer): boolean => decodeText(head, { head: true }) !== undefined;

/** `what` names it in messages. Throws CONTENT_INVALID, or CONTENT_REFUSED for more than `maxBytes`. */
export async function readText(bytes: InspectableBytes, what: string, maxBytes: number): Promise<string> {
  if (bytes.size > maxBytes) throw refused(`${what} is larger than ${maxBytes} bytes, the limit here`);
  const text = decodeText(await bytes.read(0, bytes.size));
  if (text === undefined) throw invalid(`${what} is not text in UTF-8`);
  return text;
}
