import { expect, test } from '@jest/globals';
import { layOut, partitionTable } from './disk-layout.js';

const MiB = 2 ** 20;

test('a disk has room for a quarter more than it holds, and for 256 MiB at least', () => {
  const small = layOut({ bytes: 5 * MiB, inodes: 100 }, 12 * MiB, 'an image');
  expect(small.root.size - 5 * MiB).toBeGreaterThan(256 * MiB);
  expect(small.size).toBeLessThan(512 * MiB);
  const large = layOut({ bytes: 8192 * MiB, inodes: 100_000 }, 12 * MiB, 'an image');
  expect(large.root.size).toBeGreaterThan(1.25 * 8192 * MiB);
  expect(large.root.inodes).toBeGreaterThan(125_000);
});

test('its partitions are whole MiB, one behind the other, and large enough for a kernel of any size', () => {
  const { size, boot, root } = layOut({ bytes: 5 * MiB + 1, inodes: 1 }, 300 * MiB + 1, 'an image');
  for (const place of [boot.at, boot.size, root.at, root.size, size]) expect(place % MiB).toBe(0);
  expect(boot.size).toBeGreaterThan(330 * MiB);
  expect([root.at, size]).toEqual([boot.at + boot.size, root.at + root.size + MiB]);
});

test('its ids are those of the image, each another', () => {
  const of = (identity: string) => layOut({ bytes: 0, inodes: 0 }, 0, identity).ids;
  expect(of('an image')).toEqual(of('an image'));
  expect(new Set([...Object.values(of('an image')), ...Object.values(of('another'))]).size).toBe(10);
  expect(of('an image').disk).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('its partition table says which one a BIOS starts', () => {
  const table = partitionTable(layOut({ bytes: 0, inodes: 0 }, 0, 'an image')).split('\n');
  expect(table[4]).toMatch(/^start=2048, size=131072, type=U, .*attrs="LegacyBIOSBootable"$/);
  expect(table[5]).toMatch(/^start=133120, .*type=L/);
});
