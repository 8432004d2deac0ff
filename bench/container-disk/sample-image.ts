import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { TAR_END, tarPadding } from '../../libs/image-formats/tar/tar.encoder.js';
import { tarHeader } from '../../libs/image-formats/tar/tar.writer.js';

const BLANK = { linkname: '', mode: 0o755, mtime: 1_700_000_000, uid: 0, gid: 0, device: { major: 0, minor: 0 } };
/** As images of distributions have them: most files are small, most bytes are in large ones. */
const SIZES = [1_000, 2_000, 4_000, 4_000, 8_000, 8_000, 16_000, 30_000, 60_000, 250_000];
const FILES_IN_A_FOLDER = 50;
const LAYERS = 5;

/** Writes an archive of `docker save` whose layers hold so many random bytes. How many files there are in it. */
export async function writeSampleImage(path: string, bytes: number): Promise<number> {
  await using archive = await open(path, 'wx');
  const files = Math.round((bytes * SIZES.length) / SIZES.reduce((sum, size) => sum + size, 0));
  const write = async (name: string, content: Buffer) => {
    await archive.write(tarHeader({ ...BLANK, name, type: 'file', size: content.length }));
    await archive.write(content);
    await archive.write(tarPadding(content.length));
  };
  for (let layer = 0; layer < LAYERS; layer++) await write(`${layer}/layer.tar`, layerOf(layer, Math.round(files / LAYERS)));
  const config = { os: 'linux', architecture: 'amd64', config: { Cmd: ['/bin/true'] }, rootfs: { type: 'layers', diff_ids: [] } };
  await write('config.json', Buffer.from(JSON.stringify(config)));
  const Layers = Array.from({ length: LAYERS }, (_, layer) => `${layer}/layer.tar`);
  await write('manifest.json', Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers }])));
  await archive.write(TAR_END);
  return files;
}

function layerOf(layer: number, files: number): Buffer {
  const parts: Buffer[] = [];
  for (let file = 0; file < files; file++) {
    const folder = `usr/layer-${layer}/folder-${Math.floor(file / FILES_IN_A_FOLDER)}`;
    if (file % FILES_IN_A_FOLDER === 0) parts.push(tarHeader({ ...BLANK, name: `${folder}/`, type: 'directory', size: 0 }));
    const content = randomFillSync(Buffer.allocUnsafe(SIZES[file % SIZES.length]!));
    parts.push(tarHeader({ ...BLANK, name: `${folder}/file-${file}`, type: 'file', size: content.length }), content);
    parts.push(tarPadding(content.length));
  }
  return Buffer.concat([...parts, TAR_END]);
}
