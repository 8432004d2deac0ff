import { type ContentType } from '#libs/contracts';
import { DEFAULT_LIMITS, type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { mapQcow2 } from '../qcow2/qcow2.map.js';
import { mapRaw } from '../raw/raw-disk.map.js';
import { mapVdi } from '../vdi/vdi.map.js';
import { mapVhd } from '../vhd/vhd.map.js';
import { mapVhdx } from '../vhdx/vhdx.map.js';
import { mapVmdk } from '../vmdk/vmdk.map.js';
import { type DiskMap } from './disk-map.js';
import { type GuestDisk } from './guest-disk.js';
import { MappedDisk } from './mapped-disk.js';

type Mapper = (bytes: InspectableBytes, limits: InspectionLimits) => DiskMap | Promise<DiskMap>;

const MAPPERS: Partial<Record<ContentType, Mapper>> = {
  'disk-raw': mapRaw,
  'disk-qcow2': mapQcow2,
  'disk-vmdk': mapVmdk,
  'disk-vdi': mapVdi,
  'disk-vhd': mapVhd,
  'disk-vhdx': mapVhdx,
};

export const isDisk = (contentType: ContentType): boolean => contentType in MAPPERS;

/**
 * The disk that these bytes hold in this format. They should have passed inspection; what is damaged or hostile all the same raises a ViceError CONTENT_INVALID,
 * CONTENT_TRUNCATED or CONTENT_REFUSED here or when it is read. `bytes` must stay open for as long as the disk is used.
 */
export async function openGuestDisk(
  bytes: InspectableBytes,
  contentType: ContentType,
  limits: InspectionLimits = DEFAULT_LIMITS,
): Promise<GuestDisk> {
  const map = MAPPERS[contentType];
  if (!map) throw new Error(`${contentType} is no disk`);
  return new MappedDisk(bytes, await map(bytes, limits));
}
