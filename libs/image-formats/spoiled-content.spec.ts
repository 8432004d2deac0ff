import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { type ContentType } from '#libs/contracts';
import {
  BUILD_CONTEXT,
  buildDockerArchive,
  buildQcow2,
  buildVdi,
  buildVhd,
  buildVhdx,
  buildVmdk,
  inMemory,
  PACKER_HCL,
} from '#libs/testing/images';
import { DEFAULT_LIMITS, inspect } from './index.js';

/** The same numbers in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

/** Some bytes changed, mostly to those on which numbers turn over, mostly near the start, where headers are. */
function spoil(content: Buffer, random: Iterator<number>): Buffer {
  const spoiled = Buffer.from(content);
  const next = (below: number) => Number(random.next().value) % below;
  for (let changes = 1 + next(4); changes > 0; changes--) {
    const reach = next(2) === 0 ? Math.min(1024, spoiled.length) : spoiled.length;
    const at = next(reach);
    spoiled.fill([0, 0xff, 0x7f, 0x80, next(256)][next(5)]!, at, Math.min(at + 1 + next(8), spoiled.length));
  }
  return next(4) === 0 ? spoiled.subarray(0, next(spoiled.length)) : spoiled;
}

describe('spoiled content', () => {
  const layered = buildDockerArchive({ layout: 'containerd' });
  test.each<[string, ContentType, Buffer, (spoiled: Buffer) => Buffer]>([
    [
      'qcow2',
      'disk-qcow2',
      buildQcow2({ clusters: ['data', { compressed: 700 }, 'zero'], extensions: [[0x23852875, Buffer.alloc(24)]] }),
      (same) => same,
    ],
    ['VMDK', 'disk-vmdk', buildVmdk(), (same) => same],
    ['streamed VMDK', 'disk-vmdk', buildVmdk({ kind: 'streamOptimized' }), (same) => same],
    ['VDI', 'disk-vdi', buildVdi({ virtualSize: 2 ** 20 }), (same) => same],
    ['VHD', 'disk-vhd', buildVhd({ virtualSize: 2 ** 21 }), (same) => same],
    ['VHDX', 'disk-vhdx', buildVhdx({ virtualSize: 2 ** 20 }), (same) => same],
    ['legacy image archive', 'docker-image', buildDockerArchive({ layout: 'docker-20' }), (same) => same],
    ['image archive with gzip layers', 'docker-image', layered, (same) => same],
    ['image archive in damaged gzip', 'docker-image', gzipSync(layered), (same) => same],
    ['damaged image archive in gzip', 'docker-image', layered, (spoiled) => gzipSync(spoiled)],
    ['build context', 'docker-file', BUILD_CONTEXT, (same) => same],
    ['Packer template', 'packerfile', Buffer.from(PACKER_HCL), (same) => same],
  ])('of a %s is never our own fault, only its', async (_, declared, content, wrap) => {
    const random = numbers(content.length);
    const refusals = new Set<string>();
    for (let round = 0; round < 150; round++) {
      const spoiled = wrap(spoil(content, random));
      const limits = { ...DEFAULT_LIMITS, maxExpandedBytes: 2 ** 24 };
      const fault = await inspect(inMemory(spoiled, { chunk: 5000 }), declared, limits).then(
        () => undefined,
        (error: { code?: string }) => error,
      );
      if (fault) expect(fault).toMatchObject({ code: expect.stringMatching(/^CONTENT_(INVALID|TRUNCATED|REFUSED)$/) });
      if (fault?.code) refusals.add(fault.code);
    }
    expect(refusals.size).toBeGreaterThan(0);
  });
});
