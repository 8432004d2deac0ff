import { type Superblock } from './ext4.superblock.js';

export type InodeType = 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket' | 'unknown';

export interface Timestamp {
  /** Since 1970. */
  seconds: number;
  nanoseconds: number;
}

export interface Inode {
  number: number;
  type: InodeType;
  /** Permissions with setuid, setgid and sticky: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** In bytes. */
  size: number;
  links: number;
  mtime: Timestamp;
  /** Of devices. */
  device: { major: number; minor: number };
  /** Its content is in the inode itself. */
  isInline: boolean;
  /** Its blocks are listed as extents, else as a map. */
  hasExtents: boolean;
  /** The 60 bytes for extents, block map, inline content or a short link. */
  blockArea: Buffer;
  /** What follows the fields known here: attributes, for one. */
  extraArea: Buffer;
  /** Of a block of attributes; 0 for none. */
  attributeBlock: number;
}

const TYPES: Record<number, InodeType> = {
  0x1: 'fifo',
  0x2: 'character-device',
  0x4: 'directory',
  0x6: 'block-device',
  0x8: 'file',
  0xa: 'symlink',
  0xc: 'socket',
};

const EXTENTS = 0x80000;
const INLINE_DATA = 0x10000000;

export function parseInode(number: number, bytes: Buffer, superblock: Superblock): Inode {
  const u16 = (at: number) => bytes.readUInt16LE(at);
  const u32 = (at: number) => bytes.readUInt32LE(at);
  const type = TYPES[u16(0) >> 12] ?? 'unknown';
  const flags = u32(0x20);
  const extraSize = bytes.length > 128 ? u16(0x80) : 0;
  const hasHighSize = type === 'file' || superblock.hasLargeFolders;
  return {
    number,
    type,
    mode: u16(0) & 0o7777,
    uid: u16(0x2) + u16(0x78) * 2 ** 16,
    gid: u16(0x18) + u16(0x7a) * 2 ** 16,
    size: u32(0x4) + (hasHighSize ? u32(0x6c) * 2 ** 32 : 0),
    links: u16(0x1a),
    mtime: timestamp(bytes.readInt32LE(0x10), extraSize >= 0x8c - 128 ? u32(0x88) : 0),
    device: device(u32(0x28), u32(0x2c)),
    isInline: (flags & INLINE_DATA) !== 0,
    hasExtents: (flags & EXTENTS) !== 0,
    blockArea: bytes.subarray(0x28, 0x64),
    extraArea: bytes.subarray(Math.min(128 + extraSize, bytes.length)),
    attributeBlock: u32(0x68) + u16(0x76) * 2 ** 32,
  };
}

/** The extra field holds two more bits of seconds, then nanoseconds. */
function timestamp(seconds: number, extra: number): Timestamp {
  return { seconds: seconds + (extra & 3) * 2 ** 32, nanoseconds: Math.min(extra >>> 2, 999_999_999) };
}

function device(old: number, wide: number): Inode['device'] {
  if (old !== 0) return { major: (old >> 8) & 0xff, minor: old & 0xff };
  return { major: (wide >> 8) & 0xfff, minor: (wide & 0xff) | ((wide >>> 12) & 0xfff00) };
}
