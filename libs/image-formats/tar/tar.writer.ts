import { XATTR } from './tar.extensions.js';
import { BLOCK, withChecksum, type TarEntryType, type TarHeader } from './tar.header.js';

/** What an entry says of itself. A name or link of any length, and ids and sizes of any magnitude, are written as pax records where they must. */
export type WrittenEntry = Pick<
  TarHeader,
  'name' | 'type' | 'size' | 'linkname' | 'mode' | 'mtime' | 'uid' | 'gid' | 'device' | 'xattrs'
>;

const FLAGS: Record<TarEntryType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
  other: '0',
};
const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;

/** The header of an entry, `size` bytes of body and `tarPadding` to follow. */
export function tarHeader(entry: WrittenEntry): Buffer {
  const records = paxRecords(entry);
  const block = ustar(entry, FLAGS[entry.type]);
  if (records.length === 0) return block;
  const extension = ustar({ ...NOTHING, name: 'pax', size: records.length }, 'x');
  return Buffer.concat([extension, records, tarPadding(records.length), block]);
}

/** What fills up a body of this length. */
export const tarPadding = (size: number): Buffer => PADDING.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);

/** Closes an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

const PADDING = Buffer.alloc(BLOCK);
const NOTHING = { linkname: '', mode: 0o644, mtime: 0, uid: 0, gid: 0, device: { major: 0, minor: 0 } };

function paxRecords({ name, linkname, size, uid, gid, mtime, xattrs }: WrittenEntry): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer | string) => records.push(paxRecord(key, Buffer.from(value as string)));
  if (Buffer.byteLength(name) > 100) add('path', name);
  if (Buffer.byteLength(linkname) > 100) add('linkpath', linkname);
  if (size > MAX_SIZE) add('size', String(size));
  if (uid > MAX_ID) add('uid', String(uid));
  if (gid > MAX_ID) add('gid', String(gid));
  if (mtime > MAX_SIZE) add('mtime', String(mtime));
  for (const [key, value] of xattrs ?? []) add(`${XATTR}${key}`, value);
  return Buffer.concat(records);
}

/** `<length> <key>=<value>\n`, the length counting itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function ustar({ name, linkname, size, mode, mtime, uid, gid, device }: Omit<WrittenEntry, 'type'>, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset);
  block.write(name, 0, 100);
  octal(mode & 0o7777, 100, 8);
  octal(uid > MAX_ID ? 0 : uid, 108, 8);
  octal(gid > MAX_ID ? 0 : gid, 116, 8);
  octal(size > MAX_SIZE ? 0 : size, 124, 12);
  octal(mtime > MAX_SIZE ? 0 : mtime, 136, 12);
  block.write(flag, 156);
  block.write(linkname, 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(device.major & MAX_ID, 329, 8);
  octal(device.minor & MAX_ID, 337, 8);
  return withChecksum(block);
}
