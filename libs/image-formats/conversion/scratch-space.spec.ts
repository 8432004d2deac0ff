import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { CONVERSIONS } from '#libs/contracts';
import { buildQcow2, buildTar, inMemory } from '#libs/testing/images';
import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { dataBytes, scratchSpace } from './scratch-space.js';

const [KiB, MiB, GiB, TiB] = [2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];

/** Holds 64 KiB of data at every multiple of `every`, from the start up to `end`. */
const scattered = (size: number, every: number, end: number) => {
  const disk = {
    ...{ size, looks: 0, read: () => Promise.reject(new Error('nothing is read')) },
    isZero: (position: number, length: number) => {
      disk.looks++;
      const next = Math.floor(position / every) * every;
      const holdsData = (at: number) => at < end && at < position + length && at + 64 * KiB > position;
      return Promise.resolve(!holdsData(next) && !holdsData(next + every));
    },
  } satisfies GuestDisk & { looks: number };
  return disk;
};

describe('the data of a disk', () => {
  test('is counted in small pieces where it is scattered', async () => {
    expect(await dataBytes(scattered(GiB, MiB, GiB))).toBe(64 * MiB);
  });

  test('is counted in as many looks for a large disk as for one of 64 GiB, but for its blocks, then as more rather than less', async () => {
    const disk = scattered(TiB, 4 * MiB, TiB);
    expect(await dataBytes(disk)).toBe((64 * GiB) / 64 + (TiB - 64 * GiB));
    expect(disk.looks).toBeLessThan(2e6);
  });

  test('is found behind large holes, which take few looks', async () => {
    const disk = scattered(16 * TiB, 4 * TiB, 16 * TiB);
    expect(await dataBytes(disk)).toBe(256 * KiB);
    expect(disk.looks).toBeLessThan(30_000);
  });
});

test('space is set aside for the data, for tables, and some besides', async () => {
  const conversion = CONVERSIONS.find(({ from, to }) => from === 'disk-qcow2' && to === 'disk-vmdk')!;
  const source = inMemory(buildQcow2({ virtualSize: 2 ** 29, clusters: ['data', 'unallocated', 'data'] }));
  expect(await scratchSpace(conversion, source)).toBe(Math.ceil(128 * KiB * 1.02 + 64 * KiB) + 16 * MiB);
});

describe('space for a container image is set aside', () => {
  const conversion = CONVERSIONS.find(({ from }) => from === 'docker-image')!;
  const layer = buildTar([
    { name: 'zeros', content: '\0'.repeat(64 * MiB) },
    ...Array.from({ length: 1000 }, (_, at) => ({ name: String(at), content: 'x' })),
  ]);
  const files = 64 * MiB + 4 * KiB + 1000 * 8 * KiB;
  const spaceFor = (archive: Buffer) => scratchSpace(conversion, inMemory(archive));

  test.each([
    ['a plain layer', layer],
    ['a compressed layer', gzipSync(layer)],
  ])('by what becomes of %s, and for the archive itself where that is compressed', async (_, content) => {
    const archive = buildTar([{ name: 'layer.tar', content }]);
    const space = Math.ceil(files * 2 * 1.02) + 512 * MiB;
    expect(await spaceFor(archive)).toBe(space);
    expect(await spaceFor(gzipSync(archive))).toBe(space + archive.length);
  });
});
