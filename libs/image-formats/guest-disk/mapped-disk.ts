import { readRangeInto } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { type DiskMap, type MapPart, type PackedRun, type Run } from './disk-map.js';
import { type GuestDisk } from './guest-disk.js';
import { inLanes } from './lanes.js';
import { UnpackedClusters } from './unpacked-clusters.js';

const LANES = 4;

/** A stretch that is read in one go: its place in the disk, and in the content. */
interface Stretch {
  from: number;
  to: number;
  offset: number;
}

/** Reads a disk by its map: neighbours in one go, zeros not at all, compressed clusters several at a time. */
export class MappedDisk implements GuestDisk {
  private readonly unpacked = new UnpackedClusters();
  /** The part of the map that was used last: most often the next too. */
  private part: MapPart & { start: number } = { start: 0, end: 0, runAt: () => ({ kind: 'zeros', end: 0 }) };

  constructor(
    private readonly bytes: InspectableBytes,
    private readonly map: DiskMap,
  ) {}

  get size(): number {
    return this.map.size;
  }

  async isZero(position: number, length: number): Promise<boolean> {
    this.requireWithin(position, length);
    for (let at = position; at < position + length;) {
      const part = this.partAt(at);
      const run = ('then' in part ? await part : part).runAt(at);
      if (run.kind !== 'zeros') return false;
      at = run.end;
    }
    return true;
  }

  async read(position: number, length: number, into?: Buffer): Promise<Buffer> {
    this.requireWithin(position, length);
    const target = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    const place = (from: number, to: number) => target.subarray(from - position, to - position);
    const work: (() => Promise<void>)[] = [];
    let stretch: Stretch | undefined;
    const close = () => {
      if (!stretch) return;
      const { from, to, offset } = stretch;
      work.push(() => readRangeInto(this.bytes, offset, place(from, to), 'a part of the disk'));
      stretch = undefined;
    };
    for (let at = position; at < position + length;) {
      const part = this.partAt(at);
      const run = ('then' in part ? await part : part).runAt(at);
      const to = Math.min(run.end, position + length);
      if (run.kind === 'data' && stretch && stretch.offset + (at - stretch.from) === run.offset) {
        stretch.to = to;
      } else {
        close();
        if (run.kind === 'data') stretch = { from: at, to, offset: run.offset };
        else if (run.kind === 'zeros') place(at, to).fill(0);
        else work.push(this.unpacking(run, at, place(at, to)));
      }
      at = to;
    }
    close();
    await inLanes(work, LANES);
    return target;
  }

  private unpacking(run: PackedRun, at: number, target: Buffer): () => Promise<void> {
    return async () => {
      const cluster = await this.unpacked.get(run);
      cluster.copy(target, 0, at - run.start);
    };
  }

  private partAt(position: number): { runAt(position: number): Run } | Promise<{ runAt(position: number): Run }> {
    if (position >= this.part.start && position < this.part.end) return this.part;
    const found = this.map.partAt(position);
    return 'then' in found ? found.then((part) => this.keep(position, part)) : this.keep(position, found);
  }

  private keep(start: number, part: MapPart) {
    this.part = { start, end: part.end, runAt: part.runAt };
    return part;
  }

  private requireWithin(position: number, length: number): void {
    if (position < 0 || length < 0 || position + length > this.size)
      throw new RangeError(`bytes ${position} to ${position + length} are not within a disk of ${this.size}`);
  }
}
