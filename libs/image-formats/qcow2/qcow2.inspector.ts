import { type FormatInspector } from '../inspection.js';
import { QCOW2_MAGIC, readHeader } from './qcow2.header.js';
import { checkMapping, checkRefcounts } from './qcow2.tables.js';

/** Facts: `version`, `virtualSize`, `clusterSize`, `allocatedSize` (guest bytes that are not just zeros), `compression`, `compressedClusters`, `extendedL2`. */
export const qcow2Disk: FormatInspector = {
  label: 'a qcow2 disk',
  canBe: (head) => head.subarray(0, 4).equals(QCOW2_MAGIC),
  inspect: async (bytes, limits, signal) => {
    const header = await readHeader(bytes, limits);
    await checkRefcounts(bytes, header, signal);
    const { allocatedSize, compressedClusters } = await checkMapping(bytes, header, limits, signal);
    const { version, virtualSize, clusterSize, compression, extendedL2 } = header;
    return { version, virtualSize, clusterSize, allocatedSize, compression, compressedClusters, extendedL2 };
  },
};
