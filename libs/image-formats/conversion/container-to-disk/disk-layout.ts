import { createHash } from 'node:crypto';
import { type FlatImage } from '../../docker-archive/flatten/flatten.js';

const MiB = 2 ** 20;
const INODE_BYTES = 256;

/** Where everything is on the disk; sizes and places in bytes, whole MiB. */
export interface DiskLayout {
  size: number;
  boot: { at: number; size: number };
  root: { at: number; size: number; inodes: number };
  /** The same for the same image, so that the same image becomes the same disk. */
  ids: { disk: string; bootPartition: string; rootPartition: string; rootFilesystem: string; directoryHashes: string };
}

/**
 * @param bootBytes what goes into the boot partition
 * @param identity of the image: what the ids are made of
 */
export function layOut(image: Pick<FlatImage, 'bytes' | 'inodes'>, bootBytes: number, identity: string): DiskLayout {
  const inodes = Math.ceil(image.inodes * 1.25) + 16_384;
  const journal = 64 * MiB;
  const content = image.bytes + inodes * INODE_BYTES + journal;
  const room = Math.max(256 * MiB, content / 4);
  const boot = { at: MiB, size: wholeMiB(Math.max(64 * MiB, bootBytes * 1.1 + 16 * MiB)) };
  const root = { at: boot.at + boot.size, size: wholeMiB(content + room), inodes };
  const id = (purpose: string) => uuid(`${purpose} of ${identity}`);
  return {
    // The last MiB is for the second copy of the partition table.
    size: root.at + root.size + MiB,
    boot,
    root,
    ids: {
      disk: id('disk'),
      bootPartition: id('boot partition'),
      rootPartition: id('root partition'),
      rootFilesystem: id('root filesystem'),
      directoryHashes: id('directory hashes'),
    },
  };
}

/** The input of sfdisk. The boot partition is for UEFI, and marked for the boot sector of a BIOS. */
export function partitionTable({ boot, root, ids }: DiskLayout): string {
  const sectors = (bytes: number) => String(bytes / 512);
  return [
    'label: gpt',
    `label-id: ${ids.disk}`,
    'unit: sectors',
    '',
    `start=${sectors(boot.at)}, size=${sectors(boot.size)}, type=U, uuid=${ids.bootPartition}, name="boot", attrs="LegacyBIOSBootable"`,
    `start=${sectors(root.at)}, size=${sectors(root.size)}, type=L, uuid=${ids.rootPartition}, name="root"`,
    '',
  ].join('\n');
}

const wholeMiB = (bytes: number): number => Math.ceil(bytes / MiB) * MiB;

/** Version 8, as RFC 9562 has it for ids of one's own making. */
function uuid(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
