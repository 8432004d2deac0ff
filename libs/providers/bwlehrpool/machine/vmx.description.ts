import { type Hardware } from './hardware.js';

/** The buses that lecture start knows, and with what chip. */
const BUSES: Readonly<Record<Hardware['diskBus'], { bus: string; chip?: string }>> = {
  virtio: { bus: 'SCSI', chip: 'lsilogic' },
  scsi: { bus: 'SCSI', chip: 'lsilogic' },
  usb: { bus: 'SCSI', chip: 'lsilogic' },
  sata: { bus: 'SATA' },
  ide: { bus: 'IDE' },
  nvme: { bus: 'NVME' },
};

const NICS: Readonly<Record<string, string>> = { e1000: 'e1000', e1000e: 'e1000e', vmxnet3: 'vmxnet3', pcnet: 'vlance' };

/** A machine for VMware as bwLehrpool keeps it: without names of files and without what lecture start decides. */
export function vmxDescription(
  { diskBus, nic, efi }: Hardware,
  { guestOs, chip: own }: { guestOs: string; chip?: string },
): string {
  const { bus, chip } = BUSES[diskBus];
  const settings = {
    '.encoding': 'UTF-8',
    'config.version': '8',
    'virtualHW.version': '14',
    guestOS: guestOs,
    ...(efi && { firmware: 'efi' }),
    '#SLX_HDD_BUS': bus,
    ...(chip && { '#SLX_HDD_CHIP': own ?? chip }),
    'ethernet0.virtualDev': NICS[nic] ?? 'e1000',
    'usb.present': 'TRUE',
    'ehci.present': 'TRUE',
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key} = "${escaped(value)}"\n`)
    .join('');
}

/** Whether a kept description says where the disk hangs: without that, the lecture does not start. */
export const vmxFits = (description: string): boolean => /^#SLX_HDD_BUS\s*=/m.test(description);

/** A value is one line between quotation marks. */
const escaped = (value: string): string =>
  value.replace(/[\r\n]/g, ' ').replace(/[|"]/g, (sign) => (sign === '|' ? '|7C' : '|22'));
