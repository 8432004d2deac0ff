import { type DiskMap, type MapPart, zerosTo } from '../guest-disk/disk-map.js';
import { type InspectableBytes } from '../inspection.js';

const SECTOR = 512;

/** The bytes as they are, and zeros for what lacks of the last sector. */
export function mapRaw(bytes: InspectableBytes): DiskMap {
  const size = Math.ceil(bytes.size / SECTOR) * SECTOR;
  const data: MapPart = { end: bytes.size, runAt: (position) => ({ kind: 'data', end: bytes.size, offset: position }) };
  return { size, partAt: (position) => (position < bytes.size ? data : zerosTo(size)) };
}
