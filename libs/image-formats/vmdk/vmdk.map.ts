import { ContentPages, type Page } from '../guest-disk/content-pages.js';
import { type DiskMap, type MapPart, zerosTo } from '../guest-disk/disk-map.js';
import { unpackZlib } from '../guest-disk/unpack.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { readDescriptor } from './vmdk.descriptor.js';
import { grainLength, GRAIN_MARKER_BYTES } from './vmdk.grains.js';
import { readHeader, SECTOR, TABLE_ENTRIES, type VmdkHeader } from './vmdk.header.js';

/** Follows the grain directory and its tables. */
export async function mapVmdk(bytes: InspectableBytes, limits: InspectionLimits): Promise<DiskMap> {
  const header = await readHeader(bytes, limits);
  await readDescriptor(bytes, header);
  return new VmdkMap(bytes, header);
}

class VmdkMap implements DiskMap {
  readonly size: number;
  private readonly tables: ContentPages;
  private readonly compressed: ContentPages;
  private readonly grainBytes: number;
  private readonly tableSpan: number;

  constructor(
    bytes: InspectableBytes,
    private readonly header: VmdkHeader,
  ) {
    this.size = header.capacity * SECTOR;
    this.grainBytes = header.grainSize * SECTOR;
    this.tableSpan = TABLE_ENTRIES * this.grainBytes;
    this.tables = new ContentPages(bytes, { pageBytes: 65_536, maxBytes: 4 * 2 ** 20, what: 'a table of the VMDK disk' });
    this.compressed = new ContentPages(bytes, {
      ...{ pageBytes: 2 ** 18, maxBytes: 2 ** 23 },
      what: 'a grain of the VMDK disk',
    });
  }

  partAt(position: number): MapPart | Promise<MapPart> {
    const index = Math.floor(position / this.tableSpan);
    const at = this.header.grainDirectoryOffset * SECTOR + index * 4;
    const page = this.tables.pageAt(at, 4);
    return page instanceof Promise
      ? page.then((directory) => this.inTable(directory, at, position))
      : this.inTable(page, at, position);
  }

  private inTable(directory: Page, at: number, position: number): MapPart | Promise<MapPart> {
    const start = position - (position % this.tableSpan);
    const table = directory.bytes.readUInt32LE(at - directory.start) * SECTOR;
    if (table === 0) return zerosTo(start + this.tableSpan);
    const entry = Math.floor((position - start) / this.grainBytes);
    const page = this.tables.pageAt(table + entry * 4, 4);
    return page instanceof Promise ? page.then((entries) => this.ofPage(entries, start, table)) : this.ofPage(page, start, table);
  }

  /** A table need not begin with a page: the part goes up to the end of whichever ends first. */
  private ofPage(page: Page, start: number, table: number): MapPart {
    const { grainBytes } = this;
    const entries = Math.min(TABLE_ENTRIES, Math.floor((page.start + page.bytes.length - table) / 4));
    return {
      end: start + entries * grainBytes,
      runAt: (position) => {
        const index = Math.floor((position - start) / grainBytes);
        const grain = start + index * grainBytes;
        const end = grain + grainBytes;
        const sector = page.bytes.readUInt32LE(table + index * 4 - page.start);
        if (sector === 0 || (sector === 1 && this.header.zeroedGrains)) return { kind: 'zeros', end };
        return this.header.compressed
          ? { kind: 'packed', start: grain, end, unpack: () => this.unpack(sector * SECTOR, grain) }
          : { kind: 'data', end, offset: sector * SECTOR + position - grain };
      },
    };
  }

  /** The last grain may hold no more than what is left of the disk. */
  private async unpack(offset: number, grain: number): Promise<Buffer> {
    const length = grainLength(await this.compressed.read(offset, GRAIN_MARKER_BYTES), this.header);
    const data = await this.compressed.read(offset + GRAIN_MARKER_BYTES, length);
    return await unpackZlib(data, this.grainBytes, 'the VMDK disk', Math.min(this.grainBytes, this.size - grain));
  }
}
