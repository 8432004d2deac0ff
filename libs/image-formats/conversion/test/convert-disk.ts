import { mkdir, readFile } from 'node:fs/promises';
import { shortTempPath } from '#libs/testing';
import { containerFromDisk } from '../disk-to-container/container-from-disk.js';
import { diskInMemory } from './disk-in-memory.js';

/** The disk's system as an archive, in a new folder below `dir`, with what was logged on the way. */
export async function convertDisk(dir: string, disk: Buffer, { maxBytes = 2 ** 30 } = {}) {
  const folder = `${dir}${shortTempPath().replace('/tmp', '')}`;
  await mkdir(folder);
  const lines: string[] = [];
  const fractions: number[] = [];
  const converted = await containerFromDisk(diskInMemory(disk), {
    ...{ folder, maxBytes, signal: new AbortController().signal },
    progress: (fraction) => void fractions.push(fraction),
    log: (line) => void lines.push(line),
  });
  return { ...converted, archive: await readFile(converted.file), lines, fractions };
}

/** A disk with an MBR and these partitions. */
export function partitionedDisk(...partitions: Buffer[]): Buffer {
  const table = Buffer.alloc(2 ** 20);
  table.writeUInt16LE(0xaa55, 510);
  let start = table.length;
  for (const [index, { length }] of partitions.entries()) {
    table[0x1be + index * 16 + 4] = 0x83;
    table.writeUInt32LE(start / 512, 0x1be + index * 16 + 8);
    table.writeUInt32LE(length / 512, 0x1be + index * 16 + 12);
    start += length;
  }
  return Buffer.concat([table, ...partitions]);
}
