import { type ByteRange } from './blocks.js';

const MAX_BYTES = 64 * 1024;

/** What both sides say between the bytes of a file: `KEY=VALUE` fields, each behind its length, ended by an empty one. */
export type MetaBlock = ReadonlyMap<string, string>;

/** Said once instead of a range: the transfer is over. */
export const DONE = { DONE: '' };

export function encodeMeta(fields: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(fields).map(([key, value]) => {
    const text = Buffer.from(`${key}=${value}`);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(text.length);
    return Buffer.concat([length, text]);
  });
  return Buffer.concat([...parts, Buffer.alloc(2)]);
}

/** The block at the beginning of the bytes, and what follows it; null while it is not whole. Raises what is wrong with it. */
export function decodeMeta(bytes: Buffer): { meta: MetaBlock; rest: Buffer } | null {
  const meta = new Map<string, string>();
  for (let at = 0; at + 2 <= bytes.length;) {
    const length = bytes.readUInt16BE(at);
    const end = at + 2 + length;
    if (length === 0) return { meta, rest: bytes.subarray(end) };
    if (end > MAX_BYTES) throw new Error(`it announces more than ${MAX_BYTES} bytes of fields`);
    if (end > bytes.length) return null;
    const [key, value] = split(bytes.toString('utf8', at + 2, end));
    if (!meta.has(key)) meta.set(key, value);
    at = end;
  }
  return null;
}

export const rangeText = ({ start, end }: ByteRange): string => `${start}:${end}`;

/** Null where it is no range. */
export function rangeOf(text: string): ByteRange | null {
  const [, start, end] = /^(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
  const range = { start: Number(start), end: Number(end) };
  return range.start < range.end ? range : null;
}

function split(field: string): [string, string] {
  const equals = field.indexOf('=');
  if (equals < 1) throw new Error(`it has a field without a key: "${field.slice(0, 100)}"`);
  return [field.slice(0, equals), field.slice(equals + 1)];
}
