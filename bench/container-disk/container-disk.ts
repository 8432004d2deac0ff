import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { CONVERSIONS } from '#libs/contracts';
import { containerToDisk } from '#libs/image-formats';
import { SHARES } from '../../libs/image-formats/conversion/container-to-disk/container-to-disk.js';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { say, Table } from '../table.js';
import { writeSampleImage } from './sample-image.js';

const MB = 1e6;
const IMAGE_BYTES = 300 * MB;
const STEPS = ['reading the layers', 'root filesystem', 'boot partition', 'qcow2'] as const;

/** Seconds from an image archive of 300 MB to a bootable disk, step by step. */
export async function measureContainerDisk(place: Place, { repetitions }: Options): Promise<Table[]> {
  const archive = place.path('image.tar');
  say('  making an image');
  const files = await writeSampleImage(archive, IMAGE_BYTES);
  const runs: number[][] = [];
  for (let i = 0; i <= repetitions; i++) {
    say(`  container image to disk: ${i === 0 ? 'warming up' : `${i} of ${repetitions}`}`);
    const seconds = await convert(archive, place.path('disk'));
    if (i > 0) runs.push(seconds);
  }
  const table = new Table(`A container image of ${IMAGE_BYTES / MB} MB and ${files} files becomes a disk, seconds`, [
    '',
    'best',
    'median',
  ]);
  const add = (what: string, figures: number[]) => {
    const sorted = figures.toSorted((a, b) => a - b);
    table.add(what, sorted[0]!.toFixed(1), sorted[sorted.length >> 1]!.toFixed(1));
  };
  for (const [at, step] of STEPS.entries())
    add(
      step,
      runs.map((run) => run[at]!),
    );
  add(
    'all of it',
    runs.map((run) => run.reduce((sum, seconds) => sum + seconds, 0)),
  );
  return [table];
}

/** How long each step took. */
async function convert(file: string, folder: string): Promise<number[]> {
  await mkdir(folder, { mode: 0o700 });
  const { size } = await stat(file);
  await using handle = await open(file);
  const ends: number[] = [];
  const begin = performance.now();
  await containerToDisk({
    conversion: CONVERSIONS.find(({ from, to }) => from === 'docker-image' && to === 'disk-qcow2')!,
    source: {
      file,
      bytes: {
        size,
        read: async (position, length) => {
          const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
          return buffer.subarray(0, bytesRead);
        },
        stream: () => createReadStream(file),
      },
      contentDigest: null,
    },
    folder,
    maxBytes: 2 ** 40,
    reservedBytes: 2 ** 40,
    signal: new AbortController().signal,
    progress: (fraction) => {
      const reached = Object.values(SHARES).filter((share) => fraction >= share).length;
      while (ends.length < reached) ends.push(performance.now());
    },
    log: () => undefined,
  });
  await rm(folder, { recursive: true });
  return [...ends, performance.now()].map((end, at, all) => (end - (all[at - 1] ?? begin)) / 1000);
}
