import { type Hardware } from './hardware.js';

/** How the disk of each content type is called in libvirt's `<driver>`. */
export const DRIVERS: Readonly<Record<string, string>> = { 'disk-qcow2': 'qcow2', 'disk-vmdk': 'vmdk' };

const TARGETS: Readonly<Record<Hardware['diskBus'], [dev: string, bus: string]>> = {
  virtio: ['vda', 'virtio'],
  scsi: ['sda', 'scsi'],
  sata: ['sda', 'sata'],
  usb: ['sda', 'usb'],
  ide: ['hda', 'ide'],
  // libvirt has no bus of this name
  nvme: ['vda', 'virtio'],
};

/**
 * A machine for QEMU as bwLehrpool keeps it: one disk without a source, which the lecture brings; no memory of firmware settings. Lecture start sets how
 * much memory and how many processors there are.
 */
export function libvirtDescription({ diskBus, nic, efi }: Hardware, driver: string): string {
  const [dev, bus] = TARGETS[diskBus];
  // The newer machine has no IDE.
  const machine = bus === 'ide' ? 'pc' : 'q35';
  return `<domain type="kvm">
  <name>ViCE</name>
  <memory unit="MiB">2048</memory>
  <vcpu>2</vcpu>
  <os${efi ? ' firmware="efi"' : ''}>
    <type arch="x86_64" machine="${machine}">hvm</type>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="${driver}"/>
      <target dev="${dev}" bus="${bus}"/>
    </disk>
${bus === 'scsi' ? '    <controller type="scsi" index="0" model="virtio-scsi"/>\n' : ''}    <interface type="user">
      <model type="${nic}"/>
    </interface>
  </devices>
</domain>
`;
}

/** Whether a kept description is of one disk with this driver, or with none that is named, as lecture start wants it. */
export function libvirtFits(description: string, driver: string): boolean {
  const said = description.replace(/<!--[\s\S]*?-->/g, '');
  const disks = (said.match(/<disk\b[^>]*?(?:\/>|>[\s\S]*?<\/disk>)/g) ?? []).filter(
    (disk) => !/^<disk\b[^>]*\bdevice\s*=\s*["'](?!disk["'])/.test(disk),
  );
  if (!/<domain\b/.test(said) || disks.length !== 1 || /<source\b/.test(disks[0]!)) return false;
  const [, type = driver] = /<driver\b[^>]*?\stype\s*=\s*["']([^"']*)["']/.exec(disks[0]!) ?? [];
  return type === driver;
}
