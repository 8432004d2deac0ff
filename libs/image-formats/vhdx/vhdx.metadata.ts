import { readRange } from '../byte-range.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid, refused } from '../refusal.js';
import { guid } from './guid.js';
import { type Region } from './vhdx.regions.js';

const MiB = 2 ** 20;
const TABLE_BYTES = 64 * 1024;
const ENTRY_BYTES = 32;
const MAX_ENTRIES = 2047;
const FLAGS = { user: 1, required: 4 };
const PARAMETERS = { fixed: 1, hasParent: 2 };

/** Those whose bytes we read, by how many they are. */
const READ = { parameters: 8, virtualSize: 8, logicalSectorSize: 4 };
type ItemName = keyof typeof READ;
const ITEMS: [Buffer, ItemName | 'parent' | 'other'][] = [
  [guid('CAA16737-FA36-4D43-B3B6-33F0AA44E76B'), 'parameters'],
  [guid('2FA54224-CD1B-4876-B211-5DBED83BF4B8'), 'virtualSize'],
  [guid('8141BF1D-A96F-4709-BA47-F233A8FAAB5F'), 'logicalSectorSize'],
  [guid('CDA348C7-445D-4471-9CC9-E9885251C556'), 'other'],
  [guid('BECA12AB-B2E6-4523-93EF-C309E000C746'), 'other'],
  [guid('A8D35F2D-B30B-454D-ABF7-D3D84834AB0C'), 'parent'],
];

/** Sizes in bytes. */
export interface VhdxMetadata {
  virtualSize: number;
  blockSize: number;
  logicalSectorSize: number;
  imageType: 'dynamic' | 'fixed';
}

/** Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readMetadata(bytes: InspectableBytes, region: Region, limits: InspectionLimits): Promise<VhdxMetadata> {
  const items = await readItems(bytes, region);
  const item = (name: ItemName): Buffer => {
    const found = items.get(name);
    if (!found) throw invalid('the metadata of the VHDX disk lack its sizes');
    return found;
  };
  const bits = item('parameters').readUInt32LE(4);
  if ((bits & PARAMETERS.hasParent) !== 0) throw hasParent();
  const metadata: VhdxMetadata = {
    virtualSize: Number(item('virtualSize').readBigUInt64LE(0)),
    blockSize: item('parameters').readUInt32LE(0),
    logicalSectorSize: item('logicalSectorSize').readUInt32LE(0),
    imageType: (bits & PARAMETERS.fixed) !== 0 ? 'fixed' : 'dynamic',
  };
  checkSizes(metadata, limits);
  return metadata;
}

function checkSizes({ virtualSize, blockSize, logicalSectorSize }: VhdxMetadata, limits: InspectionLimits): void {
  if (virtualSize > limits.maxVirtualBytes)
    throw refused(`the VHDX disk is ${virtualSize} bytes large for its guest; ${limits.maxVirtualBytes} is the limit here`);
  if (logicalSectorSize !== 512 && logicalSectorSize !== 4096)
    throw invalid(`the VHDX disk has sectors of ${logicalSectorSize} bytes; 512 or 4096 are allowed`);
  if (virtualSize === 0 || virtualSize % logicalSectorSize !== 0)
    throw invalid(`the VHDX disk has an impossible size of ${virtualSize} bytes`);
  if (blockSize < MiB || blockSize > 256 * MiB || (blockSize & (blockSize - 1)) !== 0)
    throw invalid(`the VHDX disk has blocks of ${blockSize} bytes; a power of two from 1 to 256 MiB is allowed`);
}

async function readItems(bytes: InspectableBytes, region: Region): Promise<Map<ItemName, Buffer>> {
  const what = 'the metadata of the VHDX disk';
  const table = await readRange(bytes, region.offset, TABLE_BYTES, what);
  const count = table.readUInt16LE(10);
  if (table.toString('latin1', 0, 8) !== 'metadata' || count > MAX_ENTRIES) throw invalid(`${what} are damaged`);
  const items = new Map<ItemName, Buffer>();
  for (let at = ENTRY_BYTES; at < (count + 1) * ENTRY_BYTES; at += ENTRY_BYTES) {
    const flags = table.readUInt32LE(at + 24);
    const name = ITEMS.find(([id]) => id.equals(table.subarray(at, at + 16)))?.[1];
    if (name === 'parent') throw hasParent();
    if (name === undefined || (flags & FLAGS.user) !== 0) {
      if ((flags & FLAGS.required) !== 0) throw refused('the VHDX disk needs metadata that are not known here');
      continue;
    }
    if (name === 'other') continue;
    if (items.has(name)) throw invalid(`${what} state one thing twice`);
    const offset = table.readUInt32LE(at + 16);
    if (offset < TABLE_BYTES || offset + READ[name] > region.length) throw invalid(`${what} are misplaced`);
    items.set(name, await readRange(bytes, region.offset + offset, READ[name], what));
  }
  return items;
}

const hasParent = () =>
  refused('the VHDX disk is a differencing disk, which needs its parent; merge it first, as with "Convert-VHD"');
