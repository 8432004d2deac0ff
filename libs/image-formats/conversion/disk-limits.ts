import { type ToolLimits } from '../tools/run-tool.js';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;
/** Its threads each set aside addresses; what it really uses is some tens of MiB. */
const MEMORY = 4 * GiB;
/** The slowest that is to be borne: streamOptimized is compressed at about 40 MiB/s. */
const SLOWEST_BYTES_PER_SECOND = 4 * MiB;
const LEAST_SECONDS = 1200;
/** A hole is not read, but every entry of its tables is looked at, by qemu-img check too. */
const SECONDS_PER_TIB = 300;
const MOST_SECONDS = 24 * 3600;
/** By so much a result may be larger than was foreseen, besides its tables: 16 bytes for each 64 KiB of the disk, were all of them there. */
const SLACK = 64 * MiB;
const DISK_BYTES_PER_TABLE_BYTE = 4096;

/** Where nothing but tables and headers is read. */
export const LIMITS_OF_LOOKING: ToolLimits = { memoryBytes: MEMORY, cpuSeconds: 20, fileBytes: MiB, wallSeconds: 300 };

export interface DiskWork {
  /** What the content of the source takes. */
  sourceBytes: number;
  /** What was set aside for the result. */
  reservedBytes: number;
  /** The disk as its guest sees it: what a header claims costs whoever wrote it nothing, so that it may not count for much. */
  diskBytes: number;
  /** A raw result is as large as the disk, if mostly holes. */
  isRaw: boolean;
  maxBytes: number;
}

/** What qemu-img may spend on a disk: by the data that is there. */
export function limitsOfConversion({ sourceBytes, reservedBytes, diskBytes, isRaw, maxBytes }: DiskWork): ToolLimits {
  const seconds =
    LEAST_SECONDS +
    Math.ceil((sourceBytes + reservedBytes) / SLOWEST_BYTES_PER_SECOND) +
    Math.ceil((diskBytes / TiB) * SECONDS_PER_TIB);
  const cpuSeconds = Math.min(seconds, MOST_SECONDS);
  const fileBytes = isRaw ? diskBytes : reservedBytes + SLACK + Math.ceil(diskBytes / DISK_BYTES_PER_TABLE_BYTE);
  return { memoryBytes: MEMORY, cpuSeconds, fileBytes: Math.min(fileBytes, maxBytes), wallSeconds: 2 * cpuSeconds };
}
