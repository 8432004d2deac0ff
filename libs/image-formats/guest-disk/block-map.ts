import { type InspectableBytes } from '../inspection.js';
import { ContentPages, type Page } from './content-pages.js';
import { type DiskMap, type MapPart } from './disk-map.js';

/** A format that keeps a disk in blocks of one size, each with an entry in one table. */
export interface BlockTable {
  /** Of the disk, in bytes; a multiple of 512. */
  size: number;
  blockSize: number;
  entryBytes: number;
  /** Where in the content a block's entry is. No entry crosses a multiple of 64 KiB. */
  entryAt(block: number): number;
  /** Where in the content a block's data is; undefined for zeros. */
  blockOffset(table: Buffer, at: number): number | undefined;
  /** Names the table in messages. */
  what: string;
}

export function mapOfBlocks(bytes: InspectableBytes, table: BlockTable): DiskMap {
  const { size, blockSize, entryBytes, what } = table;
  const pages = new ContentPages(bytes, { pageBytes: 65_536, maxBytes: 4 * 2 ** 20, what });
  const ofBlock = (page: Page, block: number): MapPart => {
    const start = block * blockSize;
    const end = start + blockSize;
    const offset = table.blockOffset(page.bytes, table.entryAt(block) - page.start);
    return {
      end,
      runAt: (position) =>
        offset === undefined ? { kind: 'zeros', end } : { kind: 'data', end, offset: offset + position - start },
    };
  };
  return {
    size,
    partAt: (position) => {
      const block = Math.floor(position / blockSize);
      const page = pages.pageAt(table.entryAt(block), entryBytes);
      return page instanceof Promise ? page.then((loaded) => ofBlock(loaded, block)) : ofBlock(page, block);
    },
  };
}
