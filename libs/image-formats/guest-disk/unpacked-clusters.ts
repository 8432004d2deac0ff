import { type PackedRun } from './disk-map.js';

const MAX_BYTES = 16 * 2 ** 20;

/** Compressed clusters that were unpacked last: whoever reads a filesystem reads each piece by piece. */
export class UnpackedClusters {
  private readonly clusters = new Map<number, Promise<Buffer>>();

  async get(run: PackedRun): Promise<Buffer> {
    const known = this.clusters.get(run.start);
    const cluster = known ?? run.unpack();
    this.clusters.delete(run.start);
    this.clusters.set(run.start, cluster);
    if (known) return await known;
    try {
      const { length } = await cluster;
      for (const oldest of this.clusters.keys()) {
        if (this.clusters.size <= 1 || this.clusters.size * length <= MAX_BYTES) break;
        this.clusters.delete(oldest);
      }
    } catch (error) {
      this.clusters.delete(run.start);
      throw error;
    }
    return await cluster;
  }
}
