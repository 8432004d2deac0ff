import { openGuestDisk } from '../../guest-disk/open-guest-disk.js';
import { type ConversionWork, type Converted } from '../conversion-work.js';
import { containerFromDisk } from './container-from-disk.js';

/**
 * The Linux system on a disk as an archive of `docker save` with one layer: owners, modes, links, devices, access control lists and capabilities as they are
 * on the disk, the container's configuration from what was kept of it where the disk was made of an image, else a shell. What `/etc/fstab` mounts of the
 * same disk is part of it; a system that was running is read as it would start again. Nothing is mounted, and no tool is needed.
 *
 * Throws CONTENT_REFUSED where the disk holds no ext2, ext3 or ext4 filesystem with a Linux system, naming what it holds, or where a
 * part of the system or all that could be started is not on it; CONTENT_INVALID and CONTENT_TRUNCATED for damaged ones; IMAGE_TOO_LARGE beyond `maxBytes`; the signal's reason.
 */
export async function diskToContainer(work: ConversionWork): Promise<Converted> {
  return containerFromDisk(await openGuestDisk(work.source.bytes, work.conversion.from), work);
}
