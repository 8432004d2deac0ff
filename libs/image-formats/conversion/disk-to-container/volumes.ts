import { ViceError } from '#libs/errors';
import { partOfDisk } from '../../disk-partitions/part-of-disk.js';
import { type Partition } from '../../disk-partitions/partition.js';
import { readPartitions } from '../../disk-partitions/partitions.js';
import { volumeContents, type VolumeContents } from '../../disk-partitions/volume-contents.js';
import { Ext4Filesystem } from '../../ext4/ext4.filesystem.js';
import { type GuestDisk } from '../../guest-disk/guest-disk.js';

/** A partition, or the whole of a disk that has none. */
export interface Volume {
  partition: Partition | null;
  /** `partition 2`, `the disk itself`. */
  name: string;
  contents: VolumeContents;
  filesystem?: Ext4Filesystem;
  /** Why an ext filesystem cannot be read. */
  fault?: ViceError;
}

/** What is on the disk. Of a filesystem that cannot be read the fault is kept: another may be the one that is wanted. */
export async function volumesOf(disk: GuestDisk): Promise<Volume[]> {
  const partitions = (await readPartitions(disk)) ?? [];
  const volumes: Volume[] = [];
  for (const partition of partitions) {
    const part = partOfDisk(disk, partition.start, partition.size);
    volumes.push(await look(part, partition, `partition ${partition.number}`));
  }
  if (volumes.some(({ contents }) => contents === 'ext')) return volumes;
  const whole = await look(disk, null, 'the disk itself');
  return whole.contents === 'ext' || volumes.length === 0 ? [whole] : volumes;
}

async function look(disk: GuestDisk, partition: Partition | null, name: string): Promise<Volume> {
  const volume = { partition, name, contents: await volumeContents(disk) };
  if (volume.contents !== 'ext') return volume;
  try {
    return { ...volume, filesystem: await Ext4Filesystem.open(disk) };
  } catch (error) {
    if (error instanceof ViceError && !error.transient) return { ...volume, fault: error };
    throw error;
  }
}
