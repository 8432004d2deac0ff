import { type JsonObject } from '#libs/contracts';

/** The machine that a disk was made for, as far as that is known. */
export interface Hardware {
  diskBus: 'virtio' | 'scsi' | 'sata' | 'ide' | 'usb' | 'nvme';
  /** As QEMU calls it: `virtio`, `e1000`. */
  nic: string;
  efi: boolean;
  /** The distribution and its version, as `os_distro` and `os_version` have them. */
  system?: { name: string; version?: string };
}

const BUSES = ['virtio', 'scsi', 'sata', 'ide', 'usb', 'nvme'] as const;
const NICS = ['virtio', 'e1000', 'e1000e', 'rtl8139', 'ne2k_pci', 'pcnet', 'vmxnet3'];

/** From what Glance says of an image, wherever among its `specifics` that stands; else `bus` and a usual card. */
export function hardwareOf(imageSpecifics: JsonObject, bus: Hardware['diskBus']): Hardware {
  const said = (key: string) => textUnder(imageSpecifics, key)?.toLowerCase();
  const diskBus = BUSES.find((known) => known === said('hw_disk_bus')) ?? bus;
  const nic = NICS.find((known) => known === said('hw_vif_model'));
  const [name, version] = [said('os_distro'), said('os_version')];
  return {
    diskBus,
    nic: nic ?? (bus === 'virtio' ? 'virtio' : 'e1000'),
    efi: said('hw_firmware_type') === 'uefi',
    ...(name && { system: { name, ...(version && { version }) } }),
  };
}

/** The first text of this name, at most so deep. */
function textUnder(object: JsonObject, key: string, depth = 3): string | undefined {
  const own = object[key];
  if (typeof own === 'string') return own;
  if (depth === 0) return undefined;
  for (const value of Object.values(object)) {
    const nested =
      typeof value === 'object' && value !== null && !Array.isArray(value) ? textUnder(value, key, depth - 1) : undefined;
    if (nested !== undefined) return nested;
  }
  return undefined;
}
