import { invalid } from '../refusal.js';

export const BLOCK = 512;

export type TarEntryType = 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo' | 'other';

export interface TarHeader {
  name: string;
  /** Bytes of body that follow; 0 for every type that has none, whatever the field says (as Go's archive/tar has it). */
  size: number;
  type: TarEntryType;
  /** The type byte as it stands: `x`, `g`, `L`, `K` and `S` change how what follows is read. */
  flag: string;
  linkname: string;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  uid: number;
  gid: number;
  /** Of devices. */
  device: { major: number; minor: number };
  /** Extended attributes by name, as pax records carry them. */
  xattrs?: ReadonlyMap<string, Buffer>;
  /** Its body is not the file itself, but the parts of it that are no holes. */
  sparse?: true;
}

const TYPES: Record<string, TarEntryType> = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

/** Whether this block carries a header, by its checksum (of unsigned bytes, or of signed ones as old tars have it). */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK) return false;
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : block[i]!;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stated = octal(block, 148, 8);
  return stated === unsigned || stated === signed;
}

/** Throws CONTENT_INVALID for what Go's archive/tar, the reader in a Docker Engine, would refuse or read otherwise. */
export function parseTarHeader(block: Buffer): TarHeader {
  if (!isTarHeader(block)) throw invalid('a tar header is damaged: its checksum does not match');
  let name = text(block, 0, 100);
  if (block.toString('latin1', 257, 263) === 'ustar\0' && block[345] !== 0) name = `${text(block, 345, 155)}/${name}`;
  const raw = block[156] === 0 ? '0' : String.fromCharCode(block[156]!);
  const flag = block[156] === 0 && name.endsWith('/') ? '5' : raw;
  const type = TYPES[flag] ?? 'other';
  const size = number(block, 124, 12);
  return {
    name,
    size: type === 'file' || type === 'other' ? size : 0,
    type,
    flag,
    linkname: text(block, 157, 100),
    mode: octal(block, 100, 8) ?? 0,
    mtime: octal(block, 136, 12) ?? 0,
    uid: owner(block, 108),
    gid: owner(block, 116),
    device: { major: octal(block, 329, 8) ?? 0, minor: octal(block, 337, 8) ?? 0 },
  };
}

/** A plain header of a regular file. The name must fit (100 bytes). */
export function fileHeader(file: { name: string; size: number; mode: number; mtime: number }): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(file.name, 0, 100);
  block.write(`${file.mode.toString(8).padStart(7, '0')}\0`, 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, file.size);
  block.write(`${file.mtime.toString(8).padStart(11, '0')}\0`, 136);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  return withChecksum(block);
}

/** In base 256 from 8 GiB on. */
function writeSize(block: Buffer, size: number): void {
  if (size < 8 ** 11) {
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}

export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function text(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}

/** Undefined where the field holds something else than an octal number. An empty one is 0. */
function octal(block: Buffer, offset: number, length: number): number | undefined {
  const digits = block.toString('latin1', offset, offset + length).replace(/^[ \0]+|[ \0].*$/gs, '');
  if (digits === '') return 0;
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : undefined;
}

/** An id that no system has is nobody's: it reads as root's, as an empty field does. */
function owner(block: Buffer, offset: number): number {
  const id = (block[offset]! & 0x80) === 0 ? octal(block, offset, 8) : block.readUInt32BE(offset + 4);
  return id !== undefined && id < 2 ** 32 ? id : 0;
}

/** Octal, or base 256 where the first bit is set. */
function number(block: Buffer, offset: number, length: number): number {
  const first = block[offset]!;
  let value: number | undefined;
  if ((first & 0x80) === 0) {
    value = octal(block, offset, length);
  } else if ((first & 0x40) === 0) {
    value = first & 0x3f;
    for (let i = 1; i < length; i++) value = value * 256 + block[offset + i]!;
  }
  if (value === undefined || !Number.isSafeInteger(value)) throw invalid('a tar header states an impossible size');
  return value;
}
