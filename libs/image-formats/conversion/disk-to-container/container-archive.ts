import { createHash } from 'node:crypto';
import { BLOCK, fileHeader } from '../../tar/tar.header.js';
import { TAR_END, tarPadding } from '../../tar/tar.encoder.js';
import { type ArchiveFile } from './archive.file.js';
import { type ContainerConfig } from './container-config.js';

const CREATED_BY = 'vice-registry disk-to-container';
/** The last that has four digits, as the format of dates wants. */
const LAST_SECOND = Date.UTC(9999, 11, 31) / 1000;

/**
 * Writes an archive of `docker save` with one layer, and without a tag: layer, config, `manifest.json`. `appendLayer` appends the layer's tar, and
 * answers with the time of its newest file, which stands for that of the image where `config` has none: the same disk gives the same archive.
 */
export async function writeContainerArchive(
  file: ArchiveFile,
  config: ContainerConfig,
  appendLayer: () => Promise<{ newest: number }>,
): Promise<void> {
  // Name and size of the layer are known at its end only.
  await file.append(Buffer.alloc(BLOCK));
  await file.beginDigest();
  const { newest } = await appendLayer();
  const diffId = await file.endDigest();
  const layer = `${diffId.slice('sha256:'.length)}/layer.tar`;
  await file.patch(0, member(layer, file.size - BLOCK));

  const created = config.created ?? new Date(Math.min(newest, LAST_SECOND) * 1000).toISOString();
  const document = JSON.stringify({
    ...config,
    created,
    history: [{ created, created_by: CREATED_BY }],
    rootfs: { type: 'layers', diff_ids: [diffId] },
  });
  const name = `${createHash('sha256').update(document).digest('hex')}.json`;
  await appendDocument(file, name, document);
  await appendDocument(file, 'manifest.json', JSON.stringify([{ Config: name, RepoTags: null, Layers: [layer] }]));
  await file.append(TAR_END);
}

async function appendDocument(file: ArchiveFile, name: string, document: string): Promise<void> {
  const bytes = Buffer.from(document);
  await file.append(member(name, bytes.length));
  await file.append(bytes);
  await file.append(tarPadding(bytes.length));
}

const member = (name: string, size: number) => fileHeader({ name, size, mode: 0o644, mtime: 0 });
