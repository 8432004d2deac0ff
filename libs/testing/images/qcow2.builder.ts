import { deflateRawSync } from 'node:zlib';

const CLUSTER_BITS = 16;
const CLUSTER = 2 ** CLUSTER_BITS;

export interface Qcow2Options {
  version?: 2 | 3;
  virtualSize?: number;
  /** The guest's first clusters, one after the other; a `compressed` one is said to be of so many bytes, at a place of its own. */
  clusters?: ('data' | 'zero' | 'unallocated' | { compressed: number })[];
  /** Header extensions: type and content. */
  extensions?: [number, Buffer][];
  /** Last touches to the header, the L1 table (one entry) and the L2 table. */
  edit?: (parts: { header: Buffer; l1: Buffer; l2: Buffer; refcountTable: Buffer }) => void;
  /** Cuts the end. */
  length?: number;
}

/**
 * A qcow2 disk of 64 KiB clusters, which `qemu-img check` finds faultless unless edited: header, refcount table, refcount block, L1, L2, data.
 * Data clusters are filled with their number, counted from 1.
 */
export function buildQcow2({
  version = 3,
  virtualSize = 2 ** 20,
  clusters = ['data'],
  extensions = [],
  edit,
  length,
}: Qcow2Options = {}): Buffer {
  const [header, refcountTable, refcountBlock, l1, l2] = Array.from({ length: 5 }, () => Buffer.alloc(CLUSTER)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  writeHeader(header, version, virtualSize, extensions);
  refcountTable.writeBigUInt64BE(BigInt(2 * CLUSTER), 0);
  l1.writeBigUInt64BE((1n << 63n) | BigInt(4 * CLUSTER), 0);

  const data: Buffer[] = [];
  clusters.forEach((cluster, index) => {
    const offset = (5 + data.length) * CLUSTER;
    if (cluster === 'data') {
      l2.writeBigUInt64BE((1n << 63n) | BigInt(offset), index * 8);
      data.push(Buffer.alloc(CLUSTER, index + 1));
    } else if (cluster === 'zero') {
      l2.writeBigUInt64BE(1n, index * 8);
    } else if (typeof cluster === 'object') {
      const sectors = BigInt(Math.ceil(cluster.compressed / 512) - 1);
      l2.writeBigUInt64BE((1n << 62n) | (sectors << BigInt(62 - (CLUSTER_BITS - 8))) | BigInt(offset), index * 8);
      data.push(Buffer.concat([deflateRawSync(Buffer.alloc(CLUSTER, index + 1)), Buffer.alloc(CLUSTER)]).subarray(0, CLUSTER));
    }
  });
  for (let cluster = 0; cluster < 5 + data.length; cluster++) refcountBlock.writeUInt16BE(1, cluster * 2);
  edit?.({ header, l1, l2, refcountTable });
  return Buffer.concat([header, refcountTable, refcountBlock, l1, l2, ...data]).subarray(0, length);
}

function writeHeader(header: Buffer, version: 2 | 3, virtualSize: number, extensions: [number, Buffer][]): void {
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(version, 4);
  header.writeUInt32BE(CLUSTER_BITS, 20);
  header.writeBigUInt64BE(BigInt(virtualSize), 24);
  header.writeUInt32BE(1, 36);
  header.writeBigUInt64BE(BigInt(3 * CLUSTER), 40);
  header.writeBigUInt64BE(BigInt(CLUSTER), 48);
  header.writeUInt32BE(1, 56);
  if (version === 3) {
    header.writeUInt32BE(4, 96);
    header.writeUInt32BE(104, 100);
  }
  let at = version === 3 ? 104 : 72;
  for (const [type, content] of extensions) {
    header.writeUInt32BE(type, at);
    header.writeUInt32BE(content.length, at + 4);
    content.copy(header, at + 8);
    at += 8 + Math.ceil(content.length / 8) * 8;
  }
}
