import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { invalid, refused, truncated } from '../refusal.js';
import { Ext4Blocks } from './ext4.blocks.js';
import { contentOf, type ContentPart } from './ext4.content.js';
import { entriesOf, type FolderEntry } from './ext4.directory.js';
import { inodePosition } from './ext4.groups.js';
import { parseInode, type Inode } from './ext4.inode.js';
import { parseSuperblock, ROOT_INODE, SUPERBLOCK_AT, SUPERBLOCK_BYTES, type Superblock } from './ext4.superblock.js';
import { attributesOf, type Attribute } from './ext4.xattrs.js';
import { copiesToReplay } from './journal/journal.replay.js';

const MAX_LINK_BYTES = 4096;
const SHORT_LINK_BYTES = 60;

/**
 * An ext2, ext3 or ext4 filesystem, read as a mount would show it, in bounded memory. Its methods throw CONTENT_INVALID for a damaged one,
 * CONTENT_REFUSED for what is understood, but not taken. Names are strings of one character for each byte.
 */
export class Ext4Filesystem {
  private constructor(
    private readonly blocks: Ext4Blocks,
    readonly superblock: Superblock,
    /** How many blocks stand in the journal, for want of an unmount. */
    readonly replayedBlocks: number,
  ) {}

  /** Throws CONTENT_TRUNCATED too, where the disk is smaller than the filesystem says. */
  static async open(disk: GuestDisk): Promise<Ext4Filesystem> {
    if (disk.size < SUPERBLOCK_AT + SUPERBLOCK_BYTES) throw invalid('the filesystem is no ext2, ext3 or ext4');
    const found = parseSuperblock(await disk.read(SUPERBLOCK_AT, SUPERBLOCK_BYTES));
    const { blockSize, blockCount } = found;
    if (blockSize * blockCount > disk.size)
      throw truncated(`the ext4 filesystem has ${blockSize * blockCount} bytes, but its partition ${disk.size}`);
    const blocks = new Ext4Blocks(disk, blockSize, blockCount);
    if (!found.needsRecovery) return new Ext4Filesystem(blocks, found, 0);

    if (found.journalInode === 0)
      throw refused('the ext4 filesystem was not unmounted, and its journal is on another disk: shut the machine down first');
    const copies = await copiesToReplay(blocks, await new Ext4Filesystem(blocks, found, 0).inode(found.journalInode));
    blocks.replay(copies);
    const replayed = parseSuperblock(await blocks.read(SUPERBLOCK_AT, SUPERBLOCK_BYTES));
    if (replayed.blockSize !== blockSize || replayed.blockCount * blockSize > disk.size)
      throw invalid('the journal of the ext4 filesystem changes its size to an impossible one');
    return new Ext4Filesystem(blocks, replayed, copies.size);
  }

  root(): Promise<Inode> {
    return this.inode(ROOT_INODE);
  }

  async inode(number: number): Promise<Inode> {
    const position = await inodePosition(this.blocks, this.superblock, number);
    return parseInode(number, await this.blocks.read(position, this.superblock.inodeSize), this.superblock);
  }

  /** In the order of the disk, without `.` and `..`. */
  entries(folder: Inode): Promise<FolderEntry[]> {
    return entriesOf(this.blocks, folder, this.superblock.hasFileTypes);
  }

  content(file: Inode): AsyncGenerator<ContentPart> {
    return contentOf(this.blocks, file);
  }

  async linkTarget(link: Inode): Promise<string> {
    if (link.size === 0 || link.size > MAX_LINK_BYTES)
      throw invalid(`the ext4 filesystem is damaged: a symbolic link of ${link.size} bytes`);
    const isShort = !link.hasExtents && link.size < SHORT_LINK_BYTES;
    const target = isShort ? link.blockArea.subarray(0, link.size) : await this.allOf(link);
    if (target.includes(0)) throw invalid('the ext4 filesystem is damaged: a symbolic link with a zero byte');
    return target.toString('latin1');
  }

  attributes(inode: Inode): Promise<Attribute[]> {
    return attributesOf(this.blocks, inode, async (number, size) => {
      const holder = await this.inode(number);
      if (holder.type !== 'file' || holder.size !== size)
        throw invalid('the ext4 filesystem is damaged: an attribute lies in an inode that does not hold it');
      return this.allOf(holder);
    });
  }

  /** Of what is known to be small. */
  async allOf(file: Inode): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.content(file)) parts.push(part.kind === 'data' ? part.bytes : Buffer.alloc(part.length));
    return Buffer.concat(parts);
  }
}
