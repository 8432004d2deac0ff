import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { readGpt } from './gpt.table.js';
import { readMbr } from './mbr.table.js';
import { type Partition } from './partition.js';

/** What the disk's GPT or MBR names, as far as it lies within the disk; undefined where the disk has no table. Never throws for what is on the disk. */
export async function readPartitions(disk: GuestDisk): Promise<Partition[] | undefined> {
  return (await readGpt(disk)) ?? (await readMbr(disk));
}
