import { invalid, refused } from '../refusal.js';
import { type Ext4Blocks } from './ext4.blocks.js';
import { contentOf } from './ext4.content.js';
import { type Inode } from './ext4.inode.js';
import { inlineRest } from './ext4.xattrs.js';

/** Millions of names. What is larger is made to wear us out. */
const MAX_FOLDER_BYTES = 2 ** 26;

export interface FolderEntry {
  /** One character for each byte. */
  name: string;
  inode: number;
}

/** All entries but `.` and `..`, as they stand: the index of large folders looks like empty entries, and is passed over. Throws CONTENT_INVALID, CONTENT_REFUSED. */
export async function entriesOf(blocks: Ext4Blocks, folder: Inode, hasFileTypes: boolean): Promise<FolderEntry[]> {
  if (folder.size > MAX_FOLDER_BYTES)
    throw refused(`a folder in the ext4 filesystem is larger than ${MAX_FOLDER_BYTES} bytes, the limit here`);
  const entries: FolderEntry[] = [];
  if (folder.isInline) {
    // The first four bytes are the parent's number.
    entries.push(...entriesIn(folder.blockArea.subarray(4), hasFileTypes), ...entriesIn(inlineRest(folder), hasFileTypes));
    return entries;
  }
  for await (const part of contentOf(blocks, folder)) {
    if (part.kind === 'zeros') continue;
    for (let at = 0; at < part.bytes.length; at += blocks.blockSize) {
      entries.push(...entriesIn(part.bytes.subarray(at, at + blocks.blockSize), hasFileTypes));
    }
  }
  return entries;
}

function* entriesIn(block: Buffer, hasFileTypes: boolean): Generator<FolderEntry> {
  for (let at = 0; at + 8 <= block.length;) {
    const inode = block.readUInt32LE(at);
    const stated = block.readUInt16LE(at + 4);
    // A block of 64 KiB does not fit its own field.
    const length = (stated === 0 || stated === 65535) && block.length === 65536 ? block.length - at : stated;
    const nameLength = hasFileTypes ? block[at + 6]! : block.readUInt16LE(at + 6);
    if (length < 8 || at + length > block.length || (inode !== 0 && nameLength + 8 > length)) throw damaged('is cut');
    if (inode !== 0) {
      const name = block.toString('latin1', at + 8, at + 8 + nameLength);
      if (name === '' || /[/\0]/.test(name)) throw damaged('has an impossible name');
      if (name !== '.' && name !== '..') yield { name, inode };
    }
    at += length;
  }
}

const damaged = (how: string) => invalid(`the ext4 filesystem is damaged: an entry of a folder ${how}`);
