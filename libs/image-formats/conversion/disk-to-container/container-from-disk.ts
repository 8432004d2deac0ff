import { join } from 'node:path';
import { type GuestDisk } from '../../guest-disk/guest-disk.js';
import { RECORD_FOLDER } from '../container-record.js';
import { type ConversionWork, type Converted } from '../conversion-work.js';
import { ArchiveFile } from './archive.file.js';
import { ordinaryConfig, recordedConfig } from './container-config.js';
import { writeContainerArchive } from './container-archive.js';
import { appendLayer } from './layer.js';
import { findLinuxRoot, usedBytes } from './linux-root.js';
import { LinuxTree } from './linux-tree.js';
import { mountsOf } from './mounts.js';
import { requireProgram } from './programs.js';
import { volumesOf } from './volumes.js';

const TOOL = 'vice-registry disk-to-container 1';

/** The Linux system on this disk as an image archive in the work's folder. See `diskToContainer`. */
export async function containerFromDisk(
  disk: GuestDisk,
  { folder, maxBytes, signal, progress, log }: Pick<ConversionWork, 'folder' | 'maxBytes' | 'signal' | 'progress' | 'log'>,
): Promise<Converted> {
  const volumes = await volumesOf(disk);
  const root = await findLinuxRoot(volumes, log);
  const mounts = await mountsOf(root, volumes, log);
  const tree = new LinuxTree(root.filesystem, new Map(mounts.map(({ path, filesystem }) => [path, filesystem])));
  log(`the system is in ${root.volume.name}${mounts.map(({ path, volume }) => `, /${path} in ${volume.name}`).join('')}`);
  const filesystems = [root, ...mounts].map(({ filesystem }) => filesystem);
  const replayed = filesystems.reduce((sum, { replayedBlocks }) => sum + replayedBlocks, 0);
  if (replayed > 0) log(`the disk was taken from a running system: ${replayed} blocks were read from its journal`);

  const recorded = await recordedConfig(tree, log);
  const config = recorded ?? (await ordinaryConfig(tree));
  await requireProgram(tree, config.config);
  const expected = filesystems.reduce((sum, filesystem) => sum + usedBytes(filesystem), 1);
  const path = join(folder, 'image.tar');
  await using file = await ArchiveFile.create(path, maxBytes);
  const onProgress = () => progress(Math.min(file.size / expected, 1));
  const without = recorded ? [RECORD_FOLDER] : [];
  await writeContainerArchive(file, config, async () => {
    const layer = await appendLayer(file, tree, { without, signal, log, onProgress });
    log(`${layer.entries} files, ${file.size} bytes`);
    return layer;
  });
  await file.finish();
  progress(1);
  return {
    file: path,
    contentType: 'docker-image',
    tool: TOOL,
    arguments: [
      `root=${root.volume.partition?.number ?? 'disk'}`,
      ...mounts.map(({ path: point, volume }) => `/${point}=${volume.partition?.number ?? 'disk'}`),
    ],
  };
}
