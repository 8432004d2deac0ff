const SECTOR = 512;
const BLOCK = 2 ** 21;
const HEADER_OFFSET = 512;
const TABLE_OFFSET = 1536;
const DATA_OFFSET = 2048;

export interface VhdOptions {
  kind?: 'dynamic' | 'fixed';
  virtualSize?: number;
  /** The guest's first blocks, one after the other, of a dynamic disk. */
  blocks?: ('data' | 'unallocated')[];
  /** What a fixed disk holds; zeros where absent. */
  content?: Buffer;
  /** Last touches, before checksums are set. `copy` (of the footer), `header` and `table` are there only in a dynamic disk. */
  edit?: (parts: { footer: Buffer; copy: Buffer; header: Buffer; table: Buffer }) => void;
  /** And after that. */
  spoil?: (parts: { footer: Buffer; copy: Buffer; header: Buffer }) => void;
  /** Cuts the end. */
  length?: number;
}

/** A VHD disk, faultless unless edited. Data blocks are filled with their number, counted from 1. */
export function buildVhd(options: VhdOptions = {}): Buffer {
  const { kind = 'dynamic', virtualSize = 2 * BLOCK, blocks = ['data'], edit, spoil, length } = options;
  const footer = footerOf(kind, virtualSize);
  const copy = Buffer.from(footer);
  const header = headerOf(virtualSize);
  const table = Buffer.alloc(SECTOR, 0xff);
  const data: Buffer[] = [];
  blocks.forEach((block, index) => {
    if (block !== 'data') return;
    table.writeUInt32BE((DATA_OFFSET + data.length * (SECTOR + BLOCK)) / SECTOR, index * 4);
    data.push(Buffer.concat([Buffer.alloc(SECTOR, 0xff), Buffer.alloc(BLOCK, index + 1)]));
  });
  edit?.({ footer, copy, header, table });
  setChecksum(footer, 64);
  setChecksum(copy, 64);
  setChecksum(header, 36);
  spoil?.({ footer, copy, header });
  const parts =
    kind === 'fixed' ? [options.content ?? Buffer.alloc(virtualSize), footer] : [copy, header, table, ...data, footer];
  return Buffer.concat(parts).subarray(0, length);
}

function footerOf(kind: 'dynamic' | 'fixed', virtualSize: number): Buffer {
  const footer = Buffer.alloc(512);
  footer.write('conectix', 0);
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x00010000, 12);
  footer.writeBigUInt64BE(kind === 'fixed' ? 2n ** 64n - 1n : BigInt(HEADER_OFFSET), 16);
  footer.write('win ', 28);
  footer.writeBigUInt64BE(BigInt(virtualSize), 40);
  footer.writeBigUInt64BE(BigInt(virtualSize), 48);
  footer.writeUInt32BE(kind === 'fixed' ? 2 : 3, 60);
  return footer;
}

function headerOf(virtualSize: number): Buffer {
  const header = Buffer.alloc(1024);
  header.write('cxsparse', 0);
  header.writeBigUInt64BE(2n ** 64n - 1n, 8);
  header.writeBigUInt64BE(BigInt(TABLE_OFFSET), 16);
  header.writeUInt32BE(0x00010000, 24);
  header.writeUInt32BE(Math.ceil(virtualSize / BLOCK), 28);
  header.writeUInt32BE(BLOCK, 32);
  return header;
}

function setChecksum(block: Buffer, at: number): void {
  block.writeUInt32BE(0, at);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.writeUInt32BE(~sum >>> 0, at);
}
