const BLOCK = 2 ** 20;
const DATA_OFFSET = 1024;

export interface VdiOptions {
  virtualSize?: number;
  /** The guest's first blocks, one after the other. What is beyond them was never written. */
  blocks?: ('data' | 'unallocated' | 'discarded')[];
  /** Last touches to the header, and to the map of blocks. */
  edit?: (parts: { header: Buffer; map: Buffer }) => void;
  /** Cuts the end. */
  length?: number;
}

/** A dynamic VDI disk, faultless unless edited. Data blocks are filled with their number, counted from 1. */
export function buildVdi({ virtualSize = 4 * BLOCK, blocks = ['data'], edit, length }: VdiOptions = {}): Buffer {
  const header = Buffer.alloc(512);
  header.write('<<< Oracle VM VirtualBox Disk Image >>>\n', 0);
  header.writeUInt32LE(0xbeda107f, 0x40);
  header.writeUInt32LE(0x00010001, 0x44);
  header.writeUInt32LE(0x180, 0x48);
  header.writeUInt32LE(1, 0x4c);
  header.writeUInt32LE(512, 0x154);
  header.writeUInt32LE(DATA_OFFSET, 0x158);
  header.writeUInt32LE(512, 0x168);
  header.writeBigUInt64LE(BigInt(virtualSize), 0x170);
  header.writeUInt32LE(BLOCK, 0x178);
  header.writeUInt32LE(Math.ceil(virtualSize / BLOCK), 0x180);
  header.fill(7, 0x188, 0x1a8);

  const map = Buffer.alloc(DATA_OFFSET - header.length, 0xff);
  const data: Buffer[] = [];
  blocks.forEach((block, index) => {
    if (block === 'discarded') map.writeUInt32LE(0xfffffffe, index * 4);
    if (block !== 'data') return;
    map.writeUInt32LE(data.length, index * 4);
    data.push(Buffer.alloc(BLOCK, index + 1));
  });
  header.writeUInt32LE(data.length, 0x184);
  edit?.({ header, map });
  return Buffer.concat([header, map, ...data]).subarray(0, length);
}
