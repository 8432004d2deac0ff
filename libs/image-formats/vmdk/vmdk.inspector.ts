import { type FormatInspector } from '../inspection.js';
import { invalid, refused, truncated } from '../refusal.js';
import { DESCRIPTOR_START, readDescriptor } from './vmdk.descriptor.js';
import { checkGrains } from './vmdk.grains.js';
import { readHeader, SECTOR, VMDK_MAGIC } from './vmdk.header.js';

/** VMware ESX's own sparse format. */
const COWD_MAGIC = Buffer.from('COWD', 'latin1');

const isTextDescriptor = (head: Buffer): boolean =>
  head.toString('latin1', 0, 64).trimStart().toLowerCase().startsWith(DESCRIPTOR_START.toLowerCase());

/** Facts: `version`, `virtualSize`, `createType`, `adapterType`, `grainSize` (bytes), `allocatedSize` (guest bytes with data), `compressed`, `uncleanShutdown`. */
export const vmdkDisk: FormatInspector = {
  label: 'a VMDK disk',
  canBe: (head) => head.subarray(0, 4).equals(VMDK_MAGIC) || head.subarray(0, 4).equals(COWD_MAGIC) || isTextDescriptor(head),
  inspect: async (bytes, limits, signal) => {
    const head = await bytes.read(0, 64);
    if (isTextDescriptor(head)) {
      throw refused(
        'the VMDK disk is only a text descriptor, whose data is in other files; export it as one file (monolithicSparse or streamOptimized)',
      );
    }
    if (head.subarray(0, 4).equals(COWD_MAGIC))
      throw invalid('the VMDK disk is of the ESX server kind (COWD); export it as monolithicSparse or streamOptimized');
    if (bytes.size % SECTOR !== 0) throw truncated(`the VMDK disk ends in the middle of a sector of ${SECTOR} bytes`);
    const header = await readHeader(bytes, limits);
    const descriptor = await readDescriptor(bytes, header);
    const { allocatedSize } = await checkGrains(bytes, header, limits, signal);
    const { version, capacity, grainSize, compressed, uncleanShutdown } = header;
    return {
      version,
      virtualSize: capacity * SECTOR,
      ...descriptor,
      grainSize: grainSize * SECTOR,
      allocatedSize,
      compressed,
      uncleanShutdown,
    };
  },
};
