import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type ContentType } from '#libs/contracts';
import { type Place } from '../place.js';
import { bareQemuImg } from './bare-conversion.js';

const MIB = 1 << 20;
/** Of so many pieces of the disk one holds data, as in an image whose filesystem was never full. */
const ONE_IN = 4;
/** Filesystems fill one place after the other. */
const PIECE = 64 * MIB;

/** qemu's name of each format. */
export const FORMATS = {
  'disk-raw': 'raw',
  'disk-qcow2': 'qcow2',
  'disk-vmdk': 'vmdk',
  'disk-vdi': 'vdi',
  'disk-vhd': 'vpc',
  'disk-vhdx': 'vhdx',
} as const satisfies Partial<Record<ContentType, string>>;
export type DiskType = keyof typeof FORMATS;

/** One disk, a quarter of it random bytes, as a file in each format. */
export async function sourceDisks(place: Place, size: number): Promise<Record<DiskType, string>> {
  const raw = place.path('disk');
  const file = await open(raw, 'w');
  await file.truncate(size);
  for (let piece = 0; piece < size; piece += ONE_IN * PIECE)
    for (let at = piece; at < Math.min(piece + PIECE, size); at += MIB)
      await file.write(randomBytes(Math.min(MIB, size - at)), 0, undefined, at);
  await file.close();
  const disks = { 'disk-raw': raw } as Record<DiskType, string>;
  for (const [contentType, format] of Object.entries(FORMATS) as [DiskType, string][]) {
    if (contentType === 'disk-raw') continue;
    disks[contentType] = place.path('disk');
    const options = format === 'vpc' ? ['-o', 'force_size=on'] : [];
    await bareQemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, disks[contentType]);
  }
  return disks;
}
