import { invalid } from '../refusal.js';
import { type Ext4Blocks } from './ext4.blocks.js';
import { type Inode } from './ext4.inode.js';
import { unpackedAcl } from './posix-acl.js';

const MAGIC = 0xea020000;
const BLOCK_HEADER = 32;
const MAX_VALUE_BYTES = 65_536;

const PREFIXES: Record<number, string> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
};
const SYSTEM = 7;
const ACLS = [2, 3];

/** An extended attribute as `getxattr` gives it. */
export interface Attribute {
  /** In full (`security.capability`), one character for each byte. */
  name: string;
  value: Buffer;
}

/** A value as it is kept: beside its entry, or in an inode of its own. */
interface StoredAttribute {
  prefix: number;
  suffix: string;
  size: number;
  value: Buffer | { inode: number };
}

/** Those in the inode, then those in its block. `readInode` reads a value that has an inode to itself. Throws CONTENT_INVALID. */
export async function attributesOf(
  blocks: Ext4Blocks,
  inode: Inode,
  readInode: (number: number, size: number) => Promise<Buffer>,
): Promise<Attribute[]> {
  const stored = storedInInode(inode);
  if (inode.attributeBlock !== 0)
    stored.push(...storedInBlock(await blocks.block(inode.attributeBlock, 'a block of attributes')));
  const attributes: Attribute[] = [];
  for (const { prefix, suffix, size, value } of stored) {
    const name = PREFIXES[prefix];
    if (name === undefined || prefix === SYSTEM) continue;
    const bytes = Buffer.isBuffer(value) ? value : await readInode(value.inode, size);
    attributes.push({ name: name + suffix, value: ACLS.includes(prefix) ? unpackedAcl(bytes) : bytes });
  }
  return attributes;
}

/** What of inline content did not fit into the block area. */
export function inlineRest(inode: Inode): Buffer {
  const rest = storedInInode(inode).find(({ prefix, suffix }) => prefix === SYSTEM && suffix === 'data')?.value;
  return Buffer.isBuffer(rest) ? rest : Buffer.alloc(0);
}

function storedInInode({ extraArea }: Inode): StoredAttribute[] {
  if (extraArea.length < 8 || extraArea.readUInt32LE(0) !== MAGIC) return [];
  const entries = extraArea.subarray(4);
  return [...parseEntries(entries, 0, entries)];
}

function storedInBlock(block: Buffer): StoredAttribute[] {
  if (block.readUInt32LE(0) !== MAGIC) throw damaged();
  return [...parseEntries(block, BLOCK_HEADER, block)];
}

/** Offsets of values count from the start of `values`. */
function* parseEntries(entries: Buffer, from: number, values: Buffer): Generator<StoredAttribute> {
  for (let at = from; at + 4 <= entries.length && entries.readUInt32LE(at) !== 0;) {
    const nameEnd = at + 16 + entries[at]!;
    if (nameEnd > entries.length) throw damaged();
    const offset = entries.readUInt16LE(at + 2);
    const inode = entries.readUInt32LE(at + 4);
    const size = entries.readUInt32LE(at + 8);
    if (size > MAX_VALUE_BYTES || (inode === 0 && size > 0 && offset + size > values.length)) throw damaged();
    yield {
      prefix: entries[at + 1]!,
      suffix: entries.toString('latin1', at + 16, nameEnd),
      size,
      value: inode === 0 ? values.subarray(offset, offset + size) : { inode },
    };
    at = nameEnd + ((4 - ((nameEnd - from) % 4)) % 4);
  }
}

const damaged = () => invalid('the ext4 filesystem is damaged: attributes of a file cannot be read');
