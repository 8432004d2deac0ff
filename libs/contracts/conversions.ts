import { type ContentType } from './vocabulary.js';

/** Ways to write a VMDK. */
export const SUBFORMATS = ['monolithicSparse', 'streamOptimized'] as const;
export type Subformat = (typeof SUBFORMATS)[number];

/** What a conversion needs on the machine of the store worker; `scripts/install-tools.sh` installs it all. */
export const TOOLSETS = ['qemu-img', 'container-disk'] as const;
export type Toolset = (typeof TOOLSETS)[number];

/** One way from a content type to another. */
export interface Conversion {
  from: ContentType;
  to: ContentType;
  subformat?: Subformat;
  /** What it does to the bytes: `<from>-to-<to>[-<subformat>]/<version>`. A new version where the same source would give another result that matters. */
  recipe: string;
  /** null: nothing but ourselves. */
  toolset: Toolset | null;
  /** About the seconds that 2 GiB take. */
  cost: number;
}

const DISKS = ['disk-raw', 'disk-qcow2', 'disk-vmdk', 'disk-vdi', 'disk-vhd', 'disk-vhdx'] as const;
const COST_OF_WRITING = { 'disk-qcow2': 1, 'disk-raw': 2, 'disk-vmdk': 6 } as const;

const fromDiskToDisk = (from: (typeof DISKS)[number]): Conversion[] =>
  (['disk-qcow2', 'disk-raw', 'disk-vmdk'] as const)
    .filter((to) => to !== from)
    .map((to) => ({ from, to, recipe: `${from}-to-${to}/1`, toolset: 'qemu-img', cost: COST_OF_WRITING[to] }));

const toStreamOptimized = (from: (typeof DISKS)[number]): Conversion => ({
  ...{ from, to: 'disk-vmdk', subformat: 'streamOptimized', toolset: 'qemu-img', cost: 50 },
  recipe: `${from}-to-disk-vmdk-streamOptimized/1`,
});

const fromDiskToContainer = (from: (typeof DISKS)[number]): Conversion => ({
  ...{ from, to: 'docker-image', recipe: `${from}-to-docker-image/1`, toolset: null, cost: 20 },
});

/** All that can be converted. */
export const CONVERSIONS: readonly Conversion[] = [
  ...DISKS.flatMap(fromDiskToDisk),
  ...DISKS.map(toStreamOptimized),
  { from: 'docker-image', to: 'disk-qcow2', recipe: 'docker-image-to-disk-qcow2/1', toolset: 'container-disk', cost: 15 },
  ...DISKS.map(fromDiskToContainer),
];
