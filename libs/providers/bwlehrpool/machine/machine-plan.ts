import { type ContentType, type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type OperatingSystem } from '../calls/structs.js';
import { findSystem, type SystemWish } from '../operating-systems.js';
import { hardwareOf, type Hardware } from './hardware.js';
import { DRIVERS, libvirtDescription, libvirtFits } from './libvirt.description.js';
import { vmxDescription, vmxFits } from './vmx.description.js';

/** How an image is to be described to a satellite. */
export interface MachinePlan {
  virtId: string;
  osId: number;
  /** Bytes where it is the kept one of another encoding. */
  machineDescription: string | Buffer;
  /** Whether the description is the one that the image came with. */
  kept: boolean;
}

/** What the plan rests on. */
export interface PlannedDisk {
  contentType: ContentType;
  /** What inspection found. */
  facts: JsonObject;
  imageSpecifics: JsonObject;
}

/** Of each disk, who runs it where nothing else is known. */
const VIRTUALIZERS: Readonly<Record<string, string>> = { 'disk-qcow2': 'qemukvm', 'disk-vmdk': 'vmware' };

/**
 * The machine that the image came with, where it came from bwLehrpool and its disk is still of the same kind; else a new one that fits the disk. Raises
 * NOT_DEPLOYABLE.
 */
export function planMachine(disk: PlannedDisk, systems: readonly OperatingSystem[]): MachinePlan {
  const usual = VIRTUALIZERS[disk.contentType];
  if (usual === undefined)
    throw new ViceError('NOT_DEPLOYABLE', `bwLehrpool takes disk-qcow2 and disk-vmdk, not ${disk.contentType}`);
  const kept = keptMachine(disk);
  const virtId = kept?.virtId ?? usual;
  const hardware = hardwareOf(disk.imageSpecifics, busOf(disk.facts, virtId));
  const system = findSystem(systems, systemWish(disk.imageSpecifics, hardware), virtId);
  return {
    virtId,
    osId: system.osId ?? 0,
    machineDescription: kept?.description ?? generated(disk, virtId, hardware, system),
    kept: kept !== null,
  };
}

function generated({ contentType, facts }: PlannedDisk, virtId: string, hardware: Hardware, system: OperatingSystem): string {
  if (virtId === 'qemukvm') return libvirtDescription(hardware, DRIVERS[contentType]!);
  const guestOs = system.virtualizerOsId?.get('vmware') ?? 'other-64';
  return vmxDescription(hardware, { guestOs, ...(facts.adapterType === 'buslogic' && { chip: 'buslogic' }) });
}

function keptMachine({ contentType, imageSpecifics }: PlannedDisk): { virtId: string; description: string | Buffer } | null {
  const { virtId, machineDescription: text, machineDescriptionBase64: base64 } = keptOf(imageSpecifics);
  const description = typeof text === 'string' ? text : typeof base64 === 'string' ? Buffer.from(base64, 'base64') : null;
  if (typeof virtId !== 'string' || description === null) return null;
  const readable = typeof description === 'string' ? description : description.toString('latin1');
  const fits =
    virtId === 'qemukvm'
      ? libvirtFits(readable, DRIVERS[contentType]!)
      : virtId === 'vmware' && contentType === 'disk-vmdk' && vmxFits(readable);
  return fits ? { virtId, description } : null;
}

function systemWish(imageSpecifics: JsonObject, { system }: Hardware): SystemWish {
  const { osId, osName } = keptOf(imageSpecifics);
  if (typeof osId === 'number') return { osId, ...(typeof osName === 'string' && { name: osName }) };
  return system ?? {};
}

/** VMware's own disks say what they hung on. */
const busOf = (facts: JsonObject, virtId: string): Hardware['diskBus'] =>
  virtId === 'qemukvm' ? 'virtio' : facts.adapterType === 'ide' ? 'ide' : 'scsi';

/** What was kept when the image was imported from a satellite. */
export function keptOf(imageSpecifics: JsonObject): JsonObject {
  const kept = imageSpecifics['bwlehrpool'];
  return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? kept : {};
}
