import { ContentPages, type Page } from '../guest-disk/content-pages.js';
import { type DiskMap, type MapPart, type Run, zerosTo } from '../guest-disk/disk-map.js';
import { unpackDeflated, unpackZstd } from '../guest-disk/unpack.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { l2TableOffset, readL2Entry, SUBCLUSTERS, type CompressedCluster, type PlainCluster } from './qcow2.entries.js';
import { bytesPerL2Table, entryLength, readHeader, type Qcow2Header } from './qcow2.header.js';

const SECTOR = 512;
const MAX_PAGE_BYTES = 65_536;
const TABLE_CACHE_BYTES = 4 * 2 ** 20;

/** Follows L1 and L2 tables. A cluster without data is zeros: there is no backing file. */
export async function mapQcow2(bytes: InspectableBytes, limits: InspectionLimits): Promise<DiskMap> {
  return new Qcow2Map(bytes, await readHeader(bytes, limits));
}

class Qcow2Map implements DiskMap {
  /** As qemu has it: what is left of a last sector is no part of the disk. */
  readonly size: number;
  private readonly tables: ContentPages;
  private readonly compressed: ContentPages;

  constructor(
    private readonly bytes: InspectableBytes,
    private readonly header: Qcow2Header,
  ) {
    this.size = header.virtualSize - (header.virtualSize % SECTOR);
    const pageBytes = Math.min(MAX_PAGE_BYTES, header.clusterSize);
    this.tables = new ContentPages(bytes, { pageBytes, maxBytes: TABLE_CACHE_BYTES, what: 'a table of the qcow2 disk' });
    this.compressed = new ContentPages(bytes, {
      ...{ pageBytes: 2 ** 18, maxBytes: 2 ** 23 },
      what: 'a compressed cluster of the qcow2 disk',
    });
  }

  partAt(position: number): MapPart | Promise<MapPart> {
    const index = Math.floor(position / bytesPerL2Table(this.header));
    const page = this.tables.pageAt(this.header.l1Offset + index * 8, 8);
    return page instanceof Promise ? page.then((l1) => this.inL2(l1, index, position)) : this.inL2(page, index, position);
  }

  private inL2(l1: Page, index: number, position: number): MapPart | Promise<MapPart> {
    const { header } = this;
    const start = index * bytesPerL2Table(header);
    const offset = l2TableOffset(l1.bytes, header.l1Offset + index * 8 - l1.start, header);
    if (offset === 0) return zerosTo(start + bytesPerL2Table(header));
    const cluster = Math.floor((position - start) / header.clusterSize);
    const page = this.tables.pageAt(offset + cluster * entryLength(header), entryLength(header));
    return page instanceof Promise ? page.then((l2) => this.ofPage(l2, start, offset)) : this.ofPage(page, start, offset);
  }

  /** `start`: where in the disk the table's first cluster is; `offset`: where in the content the table is. */
  private ofPage(page: Page, start: number, offset: number): MapPart {
    const { header } = this;
    const step = entryLength(header);
    const first = start + ((page.start - offset) / step) * header.clusterSize;
    const entries = Math.floor(page.bytes.length / step);
    return {
      end: first + entries * header.clusterSize,
      runAt: (position) => {
        const index = Math.floor((position - first) / header.clusterSize);
        const cluster = first + index * header.clusterSize;
        const entry = readL2Entry(page.bytes, index * step, header);
        return entry.kind === 'plain'
          ? this.plainRun(entry, cluster, position)
          : { kind: 'packed', start: cluster, end: cluster + header.clusterSize, unpack: () => this.unpack(entry) };
      },
    };
  }

  private plainRun({ offset, allocated }: PlainCluster, cluster: number, position: number): Run {
    const { clusterSize, extendedL2 } = this.header;
    if (!extendedL2) {
      const end = cluster + clusterSize;
      return allocated === 0 ? { kind: 'zeros', end } : { kind: 'data', end, offset: offset + position - cluster };
    }
    const subcluster = clusterSize / SUBCLUSTERS;
    const first = Math.floor((position - cluster) / subcluster);
    const holdsData = (index: number) => ((allocated >>> index) & 1) === 1;
    let last = first;
    while (last + 1 < SUBCLUSTERS && holdsData(last + 1) === holdsData(first)) last++;
    const end = cluster + (last + 1) * subcluster;
    return holdsData(first) ? { kind: 'data', end, offset: offset + position - cluster } : { kind: 'zeros', end };
  }

  private async unpack({ offset, length }: CompressedCluster): Promise<Buffer> {
    const { compression, clusterSize } = this.header;
    const data = await this.compressed.read(offset, Math.max(Math.min(length, this.bytes.size - offset), 1));
    return await (compression === 'zstd' ? unpackZstd : unpackDeflated)(data, clusterSize, 'the qcow2 disk');
  }
}
