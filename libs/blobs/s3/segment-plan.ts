const MiB = 1 << 20;

/** How much is sent in one request, and kept in memory for that. */
export const PART_BYTES = 8 * MiB;

/** The least that S3 takes as a part, but for the last one. */
export const LEAST_PART_BYTES = 5 * MiB;

/** As many parts as S3 puts together into one object, so as many segments as one blob may have. */
export const MOST_SEGMENTS = 10_000;

/** What S3 copies by one plain request. */
export const LARGEST_COPY_BYTES = 5 * 1024 * MiB;

/** Up to which segment, they are of how many bytes. */
export type SegmentPlan = readonly { until: number; bytes: number }[];

/**
 * Small at first, where a crash should lose little and one request should do for a segment; then growing, so that 10,000 of them are more than the
 * 5 TiB that an object may have: attempts that were broken off leave some short.
 */
export const SEGMENTS: SegmentPlan = [
  { until: 1_000, bytes: PART_BYTES },
  { until: 2_000, bytes: 4 * PART_BYTES },
  { until: 5_500, bytes: 16 * PART_BYTES },
  { until: MOST_SEGMENTS, bytes: 160 * PART_BYTES },
];

export function segmentBytes(plan: SegmentPlan, index: number): number {
  return (plan.find(({ until }) => index < until) ?? plan.at(-1)!).bytes;
}
