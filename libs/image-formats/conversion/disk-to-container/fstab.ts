import { type Volume } from './volumes.js';

/** A line of `/etc/fstab` that mounts a block device somewhere below the root when the system starts. */
export interface FstabLine {
  /** `UUID=…`, `LABEL=…`, `/dev/vda2`. */
  device: string;
  /** Without slashes around it. */
  path: string;
  /** With `nofail`: the system starts without it too. */
  optional: boolean;
}

const DEVICE = /^(UUID|LABEL|PARTUUID|PARTLABEL)=|^\/dev\//;
/** Of the first disk only: this is the only one there is. */
const FIRST_DISK = /^\/dev\/(?:[svh]da|xvda|nvme0n1p|mmcblk0p)(\d+)$/;
const LINKS: Record<string, string> = {
  'by-uuid': 'UUID',
  'by-label': 'LABEL',
  'by-partuuid': 'PARTUUID',
  'by-partlabel': 'PARTLABEL',
};

export function parseFstab(text: string): FstabLine[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', point = '', , options = ''] = line
      .trim()
      .split(/[ \t]+/)
      .map(unescaped);
    const segments = point.split('/').filter((segment) => segment !== '' && segment !== '.');
    const isMount = DEVICE.test(device) && point.startsWith('/') && segments.length > 0 && !segments.includes('..');
    const flags = options.split(',');
    if (!isMount || flags.includes('noauto')) return [];
    return [{ device: device.replace(/"/g, ''), path: segments.join('/'), optional: flags.includes('nofail') }];
  });
}

/** Whether a line means this volume. */
export function isMeant({ partition, filesystem }: Volume, device: string): boolean {
  const number = FIRST_DISK.exec(device)?.[1];
  if (number !== undefined) return partition?.number === Number(number);
  const link = /^\/dev\/disk\/(by-[a-z]+)\/(.*)$/.exec(device);
  const [key, value = ''] = link ? [LINKS[link[1]!], link[2]] : device.split(/=(.*)/s);
  if (value === '') return false;
  if (key === 'UUID') return filesystem?.superblock.uuid === value.toLowerCase();
  if (key === 'LABEL') return filesystem?.superblock.label === value;
  if (key === 'PARTUUID') return partition?.uuid === value.toLowerCase();
  return key === 'PARTLABEL' && partition?.label === value;
}

const unescaped = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
