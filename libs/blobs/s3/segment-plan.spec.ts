import { expect, test } from '@jest/globals';
import { LARGEST_COPY_BYTES, LEAST_PART_BYTES, MOST_SEGMENTS, PART_BYTES, segmentBytes, SEGMENTS } from './segment-plan.js';

const GiB = 1 << 30;

test('as many segments as one object may have hold the largest object of S3, and each is a part that it takes', () => {
  const sizes = Array.from({ length: MOST_SEGMENTS }, (_, index) => segmentBytes(SEGMENTS, index));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(5 * 1024 * GiB);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(LEAST_PART_BYTES);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(LARGEST_COPY_BYTES);
  for (const size of sizes) expect(size % PART_BYTES).toBe(0);
});

test('they grow and never shrink, and the first take one request each', () => {
  const sizes = Array.from({ length: MOST_SEGMENTS + 1 }, (_, index) => segmentBytes(SEGMENTS, index));
  expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
  expect(sizes[0]).toBe(PART_BYTES);
});
