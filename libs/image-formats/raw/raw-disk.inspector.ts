import { type FormatInspector, type InspectableBytes } from '../inspection.js';

type PartitionTable = 'gpt' | 'mbr' | 'none';

/** By signature only; nothing of what it says is believed. */
async function partitionTable(bytes: InspectableBytes): Promise<PartitionTable> {
  const head = await bytes.read(0, 4104);
  const hasGpt = [512, 4096].some((at) => head.toString('latin1', at, at + 8) === 'EFI PART');
  if (hasGpt) return 'gpt';
  return head.length >= 512 && head.readUInt16LE(510) === 0xaa55 ? 'mbr' : 'none';
}

/**
 * Anything that is not empty is a raw disk, also what looks like another format: its bytes are a disk's sectors and are never to be read as anything else.
 * Facts: `virtualSize`, `partitionTable` (`gpt`, `mbr` or `none`).
 */
export const rawDisk: FormatInspector = {
  label: 'a raw disk',
  canBe: () => true,
  inspect: async (bytes) => ({ virtualSize: bytes.size, partitionTable: await partitionTable(bytes) }),
};
