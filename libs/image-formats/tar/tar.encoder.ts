import { BLOCK, withChecksum } from './tar.header.js';

/** Closes an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

const PADDING = Buffer.alloc(BLOCK);

/** What fills up a body of this length. */
export const tarPadding = (size: number): Buffer => PADDING.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);

const FLAGS = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
} as const;

/** An entry of an archive that is to be written. Its strings have one character for each byte. */
export interface NewTarEntry {
  type: keyof typeof FLAGS;
  /** Without a leading slash; that of a folder ends with one. */
  name: string;
  /** Of links: where they point. */
  linkname?: string;
  /** 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  mtime: { seconds: number; nanoseconds: number };
  /** Of files, in bytes. */
  size?: number;
  device?: { major: number; minor: number };
  /** Extended attributes, by their full names. */
  attributes?: readonly { name: string; value: Buffer }[];
}

/**
 * The header blocks of an entry: ustar, with PAX records before it for what does not fit there. Our own, because attributes and names are bytes here, which
 * tar-stream takes for text.
 */
export function encodeTarEntry(entry: NewTarEntry): Buffer {
  const { size = 0, device = { major: 0, minor: 0 } } = entry;
  const records = Buffer.concat(paxRecords(entry));
  const block = header(entry.name, FLAGS[entry.type], size);
  block.write(octal(entry.mode, 7), 100);
  block.write(octal(entry.uid, 7), 108);
  block.write(octal(entry.gid, 7), 116);
  block.write(octal(entry.mtime.seconds, 11), 136);
  block.write(entry.linkname ?? '', 157, 100, 'latin1');
  block.write(octal(device.major, 7), 329);
  block.write(octal(device.minor, 7), 337);
  withChecksum(block);
  if (records.length === 0) return block;
  const before = withChecksum(header('PaxHeaders/entry', 'x', records.length));
  return Buffer.concat([before, records, tarPadding(records.length), block]);
}

function header(name: string, flag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, 'latin1');
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(flag, 156);
  block.write('ustar\x0000', 257, 'latin1');
  return block;
}

/** With its closing zero byte. What does not fit has a PAX record, and is 0 here. */
function octal(value: number, digits: number): string {
  return `${(fits(value, digits) ? value : 0).toString(8).padStart(digits, '0')}\0`;
}

const fits = (value: number, digits: number) => value >= 0 && value < 8 ** digits;

function paxRecords(entry: NewTarEntry): Buffer[] {
  const { name, linkname = '', uid, gid, size = 0, mtime } = entry;
  const records: [string, string | Buffer][] = [];
  if (!fitsText(name)) records.push(['path', name]);
  if (!fitsText(linkname)) records.push(['linkpath', linkname]);
  if (!fits(size, 11)) records.push(['size', String(size)]);
  if (!fits(uid, 7)) records.push(['uid', String(uid)]);
  if (!fits(gid, 7)) records.push(['gid', String(gid)]);
  if (mtime.nanoseconds !== 0 || !fits(mtime.seconds, 11)) records.push(['mtime', decimal(mtime)]);
  for (const attribute of entry.attributes ?? []) records.push([`SCHILY.xattr.${attribute.name}`, attribute.value]);
  return records.map(([key, value]) => record(key, value));
}

const fitsText = (text: string) => text.length <= 100 && /^[\x20-\x7e]*$/.test(text);

/** `<length> <key>=<value>\n`, the length counting itself. */
function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), Buffer.from(value as string, 'latin1'), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Seconds with as many decimals as needed. Before 1970 the nanoseconds count towards the present. */
function decimal({ seconds, nanoseconds }: NewTarEntry['mtime']): string {
  if (nanoseconds === 0) return String(seconds);
  const [whole, fraction] = seconds < 0 ? [-(seconds + 1), 1_000_000_000 - nanoseconds] : [seconds, nanoseconds];
  return `${seconds < 0 ? '-' : ''}${whole}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
}
