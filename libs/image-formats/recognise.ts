import { type ContentType } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { parseDockerfile } from './docker-file/dockerfile.js';
import { ExpansionBudget, isGzip, openArchive } from './expansion.js';
import { DEFAULT_LIMITS, type FormatInspector, type InspectableBytes, type InspectionLimits } from './inspection.js';
import { parsePackerTemplate } from './packerfile/packerfile.inspector.js';
import { qcow2Disk } from './qcow2/qcow2.inspector.js';
import { invalid } from './refusal.js';
import { streamed } from './streamed.js';
import { isTarHeader } from './tar/tar.header.js';
import { pathInTree } from './tar/tar.paths.js';
import { readTar } from './tar/tar.reader.js';
import { decodeText, isText } from './text.js';
import { vdiDisk } from './vdi/vdi.inspector.js';
import { vhdDisk } from './vhd/vhd.inspector.js';
import { vhdxDisk } from './vhdx/vhdx.inspector.js';
import { vmdkDisk } from './vmdk/vmdk.inspector.js';

/** How much of the start every `canBe` is given, and of the end. */
const HEAD_BYTES = 4096;
const END_BYTES = 512;

/** Those that can be told from a raw disk by what they begin with, or end with. */
const DISKS: [ContentType, FormatInspector][] = [
  ['disk-qcow2', qcow2Disk],
  ['disk-vmdk', vmdkDisk],
  ['disk-vhdx', vhdxDisk],
  ['disk-vdi', vdiDisk],
  ['disk-vhd', vhdDisk],
];

/** Formats that we know by sight, but don't take: to keep one as a raw disk must be someone's wish, never our guess. */
const OTHER_FORMATS: [string, number, Buffer][] = [
  ['a QED disk', 0, Buffer.from('QED\0')],
  ['xz-compressed data', 0, Buffer.from('fd377a585a00', 'hex')],
  ['bzip2-compressed data', 0, Buffer.from('BZh')],
  ['zstd-compressed data', 0, Buffer.from('28b52ffd', 'hex')],
  ['a zip archive', 0, Buffer.from('504b0304', 'hex')],
];

/**
 * The content type, from the content alone. What has no other format is a raw disk; so that an error page or a foreign archive does not become one,
 * web pages and formats that we know but don't take are CONTENT_INVALID. What it returns is a likeness, for `inspect` to judge.
 */
export async function recognise(
  bytes: InspectableBytes,
  limits: InspectionLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<ContentType> {
  if (bytes.size === 0) throw invalid('the content is empty');
  const { head, end } = await readBothEnds(bytes);
  const disk = DISKS.find(([, { canBe }]) => canBe(head, end));
  if (disk) return disk[0];
  const other = OTHER_FORMATS.find(([, at, magic]) => head.subarray(at, at + magic.length).equals(magic));
  if (other) throw invalid(`the content looks like ${other[0]}, which is not supported`);
  if (isGzip(head) || isTarHeader(head)) return await recogniseArchive(bytes, limits, signal);
  if (isText(head)) return await recogniseText(bytes, limits);
  return 'disk-raw';
}

/** What every `canBe` is given. */
export async function readBothEnds(bytes: InspectableBytes): Promise<{ head: Buffer; end: Buffer }> {
  const head = await bytes.read(0, HEAD_BYTES);
  return { head, end: await bytes.read(Math.max(bytes.size - END_BYTES, 0), END_BYTES) };
}

/** By the first entry that tells. A build context may hold any name that an image archive does, but an image archive no Dockerfile at its root. */
async function recogniseArchive(bytes: InspectableBytes, limits: InspectionLimits, signal?: AbortSignal): Promise<ContentType> {
  const likeness = await streamed(bytes, signal, async (archive): Promise<ContentType | undefined> => {
    let hasManifest = false;
    for await (const { header } of readTar(openArchive(archive, new ExpansionBudget(limits)))) {
      const path = pathInTree(header.name, 'the archive');
      if (path === 'Dockerfile') return 'docker-file';
      if (
        path === 'oci-layout' ||
        /^blobs\/sha256\/[0-9a-f]{64}$|^[0-9a-f]{64}(\/(layer\.tar|json|VERSION)|\.json|\.tar)$/.test(path)
      )
        return 'docker-image';
      hasManifest ||= path === 'manifest.json';
    }
    return hasManifest ? 'docker-image' : undefined;
  });
  if (!likeness)
    throw invalid(
      'the content looks like an archive with neither manifest.json, as a saved Docker image has, nor a Dockerfile at its root',
    );
  return likeness;
}

/** Text of no other format is a raw disk too: whoever wrote it there will know. An error page, fetched in place of a disk, is none. */
async function recogniseText(bytes: InspectableBytes, { maxTextBytes }: InspectionLimits): Promise<ContentType> {
  const text = bytes.size > maxTextBytes ? undefined : decodeText(await bytes.read(0, bytes.size));
  if (text === undefined) return 'disk-raw';
  if (parses(() => parseDockerfile(text))) return 'docker-file';
  if (parses(() => parsePackerTemplate(text))) return 'packerfile';
  if (/^\s*<(!doctype\s+html|html|\?xml)/i.test(text))
    throw invalid('the content looks like a web page or XML, not like an image');
  return 'disk-raw';
}

function parses(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof ViceError) return false;
    throw error;
  }
}
