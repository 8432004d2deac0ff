import { type ContentType, type Subformat } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { DEFAULT_LIMITS } from '../inspection.js';
import { refused } from '../refusal.js';

/** qemu's names of disk formats, which it must always be told: what it takes a file for by itself, its content could choose. */
const DRIVERS = {
  'disk-raw': 'raw',
  'disk-qcow2': 'qcow2',
  'disk-vmdk': 'vmdk',
  'disk-vdi': 'vdi',
  'disk-vhd': 'vpc',
  'disk-vhdx': 'vhdx',
} as const satisfies Partial<Record<ContentType, string>>;
export type Driver = (typeof DRIVERS)[keyof typeof DRIVERS];

/** Formats in which qemu-img finds damage by itself. */
const CHECKED: readonly Driver[] = ['qcow2', 'vmdk', 'vdi', 'vhdx'];

export function driverOf(contentType: ContentType): Driver {
  const driver = (DRIVERS as Partial<Record<ContentType, Driver>>)[contentType];
  if (driver === undefined) throw new ViceError('INTERNAL', `${contentType} is no disk that qemu-img knows`);
  return driver;
}

export const canBeChecked = (driver: Driver): boolean => CHECKED.includes(driver);

/** Arguments that name a source and its format. A VHD has two sizes: guests of Hyper-V, and we, go by the one in bytes. */
export function sourceArguments(driver: Driver, file: string): string[] {
  if (driver !== 'vpc') return ['-f', driver, file];
  return ['--image-opts', `driver=vpc,force_size_calc=current_size,file.driver=file,file.filename=${file.replaceAll(',', ',,')}`];
}

/** Arguments that name the format of the result, and how it is written. Measured: cluster sizes other than qemu's own are no faster. */
export function targetArguments(driver: Driver, subformat: Subformat | undefined): string[] {
  const options = { qcow2: 'compat=1.1', vmdk: `subformat=${subformat ?? 'monolithicSparse'}` }[driver as string];
  return ['-O', driver, ...(options === undefined ? [] : ['-o', options])];
}

/** How much is done, from 0 to 1, by the last of what `-p` prints: `    (12.34/100%)`. null where there is none. */
export function progressIn(text: string): number | null {
  const percent = [...text.matchAll(/\((\d+\.\d+)\/100%\)/g)].at(-1)?.[1];
  return percent === undefined ? null : Math.min(1, Number(percent) / 100);
}

interface QemuInfo {
  format: string;
  'virtual-size': number;
  encrypted?: boolean;
  'backing-filename'?: string;
  'full-backing-filename'?: string;
  snapshots?: unknown[];
  'format-specific'?: {
    data?: { 'data-file'?: string; encrypt?: unknown; corrupt?: boolean; extents?: { filename?: string }[] };
  };
}

/**
 * What `qemu-img info --output=json` says must be what inspection has said: nothing that leads to another file, and nothing hidden.
 * Answers the size of the disk in bytes. Raises CONTENT_REFUSED.
 */
export function checkedInfo(json: string, driver: Driver, file: string): number {
  const info = JSON.parse(json) as QemuInfo;
  const { data = {} } = info['format-specific'] ?? {};
  const size = info['virtual-size'];
  const faults: [boolean, string][] = [
    [info.format !== driver, `is ${info.format}, not ${driver}`],
    [(info['backing-filename'] ?? info['full-backing-filename']) !== undefined, 'rests on another file'],
    [data['data-file'] !== undefined, 'keeps its data in another file'],
    [info.encrypted === true || data.encrypt !== undefined, 'is encrypted'],
    [(info.snapshots ?? []).length > 0, 'holds snapshots'],
    [data.corrupt === true, 'is marked as corrupt'],
    [(data.extents ?? []).some(({ filename }) => filename !== file), 'has a part in another file'],
    [driver === 'vmdk' && data.extents?.length !== 1, 'does not consist of exactly one part'],
    [!(size > 0) || size > DEFAULT_LIMITS.maxVirtualBytes, `has a size of ${size} bytes`],
  ];
  const fault = faults.find(([isAtFault]) => isAtFault);
  if (fault) throw refused(`by qemu-img's account the disk ${fault[1]}`);
  return size;
}
