import { readRange, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid, refused } from '../refusal.js';

const END = 0;
const EXTERNAL_DATA_FILE = 0x44415441;
const ENCRYPTION = 0x0537be77;
const BITMAPS = 0x23852875;

/** Walks the header extensions, which fill the rest of the first cluster. Those that we don't know may be ignored, says the format. */
export async function checkExtensions(bytes: InspectableBytes, start: number, clusterSize: number): Promise<void> {
  const area = await bytes.read(0, Math.min(clusterSize, bytes.size));
  for (let at = start; at + 8 <= area.length;) {
    const type = area.readUInt32BE(at);
    const length = area.readUInt32BE(at + 4);
    if (type === END) return;
    if (at + 8 + length > clusterSize) throw invalid('a header extension of the qcow2 disk runs out of the first cluster');
    requireRange(bytes, at + 8, length, 'a header extension of the qcow2 disk');
    if (type === EXTERNAL_DATA_FILE)
      throw refused('the qcow2 disk names an external data file; bring it into one file first with "qemu-img convert"');
    if (type === ENCRYPTION) throw refused('the qcow2 disk is encrypted; decrypt it first with "qemu-img convert"');
    if (type === BITMAPS) await checkBitmaps(bytes, at + 8, length);
    at += 8 + Math.ceil(length / 8) * 8;
  }
}

async function checkBitmaps(bytes: InspectableBytes, at: number, length: number): Promise<void> {
  if (length !== 24) throw invalid('the bitmaps extension of the qcow2 disk is damaged');
  const extension = await readRange(bytes, at, length, 'the bitmaps extension of the qcow2 disk');
  requireRange(
    bytes,
    Number(extension.readBigUInt64BE(16)),
    Number(extension.readBigUInt64BE(8)),
    'the bitmap directory of the qcow2 disk',
  );
}
