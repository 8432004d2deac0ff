import { pipeline } from 'node:stream/promises';
import { type Digest } from '#libs/contracts';
import { type Algorithm } from '../hashing/hash-thread.js';
import { RunningHash } from '../hashing/running-hash.js';
import { type Staging } from '../staged-transfer.js';
import { atOnce } from './at-once.js';
import { type Bucket } from './bucket.js';
import { parts } from './part-pool.js';
import { Segment } from './segment.js';
import { PART_BYTES, segmentBytes, type SegmentPlan } from './segment-plan.js';
import { type S3Layout } from './s3-layout.js';
import { sweptAway } from './swept-away.js';

/** Parts of one transfer that may be under way at once. */
const IN_FLIGHT = 3;
const REMOVED_AT_ONCE = 8;

export interface SegmentsOptions {
  bucket: Bucket;
  layout: S3Layout;
  /** Where the segments go, with a slash at its end. */
  folder: string;
  plan: SegmentPlan;
  algorithms: Algorithm[];
  publish: (staged: StagedSegments, blob: { digest: Digest; size: number }) => Promise<void>;
}

/**
 * Bytes on their way into a row of objects. Chunks are gathered into parts, each copied once, sent and hashed side by side. Memory: a part that is
 * being gathered, and those under way.
 */
export class StagedSegments implements Staging {
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private readonly segments: { key: string; segment?: Segment }[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private draining: Promise<void> = Promise.resolve();
  private readonly hash: RunningHash;
  private readonly givenUp = new AbortController();
  private failure: unknown;

  private constructor(private readonly options: SegmentsOptions) {
    this.hash = new RunningHash(options.algorithms);
  }

  static async begin(options: SegmentsOptions): Promise<StagedSegments> {
    // So that it is found, and swept, from the first moment on.
    await options.bucket.put(options.layout.begun(options.folder), Buffer.alloc(0));
    return new StagedSegments(options);
  }

  get folder(): string {
    return this.options.folder;
  }

  /** The keys of what is there, in order. */
  get keys(): string[] {
    return this.segments.map(({ key }) => key);
  }

  gather(chunk: Buffer): boolean {
    this.gathered.push(chunk);
    this.gatheredBytes += chunk.length;
    return this.gatheredBytes >= PART_BYTES;
  }

  drain(atLeast = PART_BYTES): Promise<void> {
    return (this.draining = this.draining.catch(() => undefined).then(() => this.sendOff(atLeast)));
  }

  async finish(): Promise<Partial<Record<Algorithm, string>>> {
    await this.arrive();
    return await this.hash.digest();
  }

  async publish(blob: { digest: Digest; size: number }): Promise<void> {
    await this.options.publish(this, blob);
  }

  /** Sends what is gathered, too, so that a later attempt has all that has come. */
  async keep(): Promise<void> {
    await this.arrive().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.failure ??= new Error('the transfer has ended');
    this.gathered = [];
    this.gatheredBytes = 0;
    this.givenUp.abort();
    await this.draining.catch(() => undefined);
    await Promise.all(this.underWay);
    await this.hash.drop();
  }

  async remove(): Promise<void> {
    const { bucket, layout, folder } = this.options;
    await atOnce(this.segments, REMOVED_AT_ONCE, ({ key, segment }) => segment?.remove() ?? bucket.remove(key));
    await bucket.remove(layout.begun(folder));
  }

  /** Takes over an object that a former attempt has staged: copied within the store, and read to be hashed. Nothing may be under way. */
  async adopt(former: { key: string; size: number }, signal?: AbortSignal): Promise<void> {
    const { bucket } = this.options;
    const key = this.nextKey();
    const hashed = async () =>
      pipeline(
        await bucket.get(former.key, null, 0, former.size, signal),
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) await this.hash.update(chunk);
        },
        { ...(signal && { signal }) },
      );
    const [copied] = await Promise.all([bucket.copy(former.key, key), hashed()]);
    if (copied === 'missing') throw sweptAway();
    this.segments.push({ key });
  }

  private async arrive(): Promise<void> {
    await this.drain(1);
    this.complete(this.segments.at(-1)?.segment);
    await Promise.all(this.underWay);
    if (this.failure !== undefined) throw this.failure;
  }

  private async sendOff(atLeast: number): Promise<void> {
    while (this.gatheredBytes >= atLeast) {
      while (this.underWay.size >= IN_FLIGHT) await Promise.race(this.underWay);
      if (this.failure !== undefined) throw this.failure;
      const part = await parts.take();
      this.dispatch(part, part.subarray(0, this.fill(part)));
    }
  }

  private fill(part: Buffer): number {
    let filled = 0;
    while (filled < part.length) {
      const chunk = this.gathered[0];
      if (chunk === undefined) break;
      const copied = chunk.copy(part, filled);
      filled += copied;
      if (copied === chunk.length) this.gathered.shift();
      else this.gathered[0] = chunk.subarray(copied);
    }
    this.gatheredBytes -= filled;
    return filled;
  }

  private dispatch(part: Buffer, bytes: Buffer): void {
    const segment = this.open();
    const work = Promise.allSettled([segment.send(bytes), this.hash.update(bytes)]).then((ends) => {
      parts.giveBack(part);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    });
    this.track(work);
    if (segment.isFull) this.complete(segment);
  }

  /** The segment that takes the next part. */
  private open(): Segment {
    const last = this.segments.at(-1)?.segment;
    if (last && !last.isFull) return last;
    const { bucket, plan } = this.options;
    const key = this.nextKey();
    const segment = new Segment(bucket, key, segmentBytes(plan, this.segments.length), this.givenUp.signal);
    this.segments.push({ key, segment });
    return segment;
  }

  private nextKey(): string {
    return this.options.layout.segment(this.folder, this.segments.length);
  }

  private complete(segment: Segment | undefined): void {
    if (segment) this.track(segment.complete());
  }

  private track(work: Promise<void>): void {
    const piece = work
      .catch((error: unknown) => {
        this.failure ??= error;
      })
      .finally(() => this.underWay.delete(piece));
    this.underWay.add(piece);
  }
}
