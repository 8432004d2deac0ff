import { describe, expect, test } from '@jest/globals';
import { limitsOfConversion } from './disk-limits.js';

const [MiB, GiB, TiB] = [2 ** 20, 2 ** 30, 2 ** 40];
const HOUR = 3600;
const small = { sourceBytes: MiB, reservedBytes: 17 * MiB, diskBytes: GiB, isRaw: false, maxBytes: TiB };

describe('what qemu-img may spend on a disk', () => {
  test('grows with its data', () => {
    const one = limitsOfConversion({ ...small, sourceBytes: 100 * GiB, reservedBytes: 100 * GiB });
    expect(one.cpuSeconds).toBeGreaterThan(50_000);
    expect(one.wallSeconds).toBe(2 * one.cpuSeconds);
    expect(one.fileBytes).toBeGreaterThan(100 * GiB);
    expect(one.fileBytes).toBeLessThan(101 * GiB);
  });

  test('grows little with the size that a header claims', () => {
    const claimed = limitsOfConversion({ ...small, diskBytes: 16 * TiB });
    expect(claimed.cpuSeconds - limitsOfConversion(small).cpuSeconds).toBeLessThan(2 * HOUR);
    expect(claimed.fileBytes).toBeLessThan(5 * GiB);
  });

  test('is enough for a small one on a slow machine', () => {
    expect(limitsOfConversion(small).cpuSeconds).toBeGreaterThan(1000);
  });

  test('ends at a day of a processor, however much there is', () => {
    expect(limitsOfConversion({ ...small, sourceBytes: 16 * TiB, reservedBytes: 16 * TiB }).cpuSeconds).toBe(24 * HOUR);
  });

  test('is never a file of more than is taken here', () => {
    expect(limitsOfConversion({ ...small, maxBytes: 2 * MiB }).fileBytes).toBe(2 * MiB);
  });

  test('is a file as large as the disk where that becomes raw, holes included', () => {
    expect(limitsOfConversion({ ...small, isRaw: true }).fileBytes).toBe(GiB);
  });
});
