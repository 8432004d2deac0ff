import { type Conversion } from '#libs/contracts';
import { expandedSize } from '../docker-archive/expanded-size.js';
import { isGzip } from '../expansion.js';
import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { isDisk, openGuestDisk } from '../guest-disk/open-guest-disk.js';
import { type InspectableBytes } from '../inspection.js';

const MiB = 2 ** 20;
const BLOCK = 4 * MiB;
const LONGEST_SPAN = 256 * BLOCK;
/** In such pieces results keep data. */
const PIECE = 64 * 1024;
/** So many pieces are looked at one by one, for 64 GiB of data; what comes after counts by blocks. */
const MOST_PIECES = 2 ** 20;
/** A qcow2 keeps 64 KiB of tables for each 512 MiB with data. */
const DISK_BYTES_PER_TABLE_BYTE = 8192;
/** Tables of the result, and what a filesystem rounds up. */
const OVERHEAD = 1.02;
const LEAST = 16 * MiB;
/** A kernel, a boot partition, a filesystem's own tables. */
const AROUND_A_CONTAINER = 512 * MiB;
/** Files become a raw disk, which becomes a qcow2 when they are gone. */
const OF_FILES = 2;
/** A layer, and the archive around it. */
const OF_A_DISK = 2;

/** About how many bytes a conversion needs at once, the result among them: to be set aside before it begins. */
export async function scratchSpace(conversion: Conversion, source: InspectableBytes, signal?: AbortSignal): Promise<number> {
  if (!isDisk(conversion.from)) {
    const { archive, files } = await expandedSize(source, signal);
    // A plain archive is read where it lies.
    const copied = isGzip(await source.read(0, 3)) ? archive : 0;
    return Math.ceil(copied + files * OF_FILES * OVERHEAD) + AROUND_A_CONTAINER;
  }
  const disk = await openGuestDisk(source, conversion.from);
  const data = await dataBytes(disk, signal);
  const tables = Math.min(data, disk.size / DISK_BYTES_PER_TABLE_BYTE);
  return Math.ceil((data * OVERHEAD + tables) * (isDisk(conversion.to) ? 1 : OF_A_DISK)) + LEAST;
}

/** What of the disk its format does not know to be zeros. */
export async function dataBytes(disk: GuestDisk, signal?: AbortSignal): Promise<number> {
  let data = 0;
  let span = BLOCK;
  let pieces = MOST_PIECES;
  for (let position = 0; position < disk.size;) {
    signal?.throwIfAborted();
    const length = Math.min(span, disk.size - position);
    const isZero = await disk.isZero(position, length);
    // Large holes are passed over in large steps, small ones looked for in small ones.
    if (!isZero && length > BLOCK) {
      span = BLOCK;
      continue;
    }
    if (!isZero && pieces > 0) {
      data += await dataInPieces(disk, position, length);
      pieces -= length / PIECE;
    } else if (!isZero) {
      data += length;
    }
    span = isZero ? Math.min(span * 2, LONGEST_SPAN) : BLOCK;
    position += length;
  }
  return data;
}

async function dataInPieces(disk: GuestDisk, start: number, length: number): Promise<number> {
  let data = 0;
  for (let at = start; at < start + length; at += PIECE) {
    const piece = Math.min(PIECE, start + length - at);
    if (!(await disk.isZero(at, piece))) data += piece;
  }
  return data;
}
