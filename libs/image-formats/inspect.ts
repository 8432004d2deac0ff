import { type ContentType } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { dockerArchive } from './docker-archive/docker-archive.inspector.js';
import { dockerFile } from './docker-file/docker-file.inspector.js';
import { contentDigest } from './guest-disk/content-digest.js';
import { isDisk, openGuestDisk } from './guest-disk/open-guest-disk.js';
import {
  DEFAULT_LIMITS,
  type FormatInspector,
  type InspectableBytes,
  type Inspection,
  type InspectionLimits,
} from './inspection.js';
import { packerfile } from './packerfile/packerfile.inspector.js';
import { qcow2Disk } from './qcow2/qcow2.inspector.js';
import { rawDisk } from './raw/raw-disk.inspector.js';
import { readBothEnds, recognise } from './recognise.js';
import { invalid, refused } from './refusal.js';
import { vdiDisk } from './vdi/vdi.inspector.js';
import { vhdDisk } from './vhd/vhd.inspector.js';
import { vhdxDisk } from './vhdx/vhdx.inspector.js';
import { vmdkDisk } from './vmdk/vmdk.inspector.js';

const INSPECTORS: Record<ContentType, FormatInspector> = {
  'disk-raw': rawDisk,
  'disk-qcow2': qcow2Disk,
  'disk-vmdk': vmdkDisk,
  'docker-file': dockerFile,
  'docker-image': dockerArchive,
  packerfile,
  'disk-vdi': vdiDisk,
  'disk-vhd': vhdDisk,
  'disk-vhdx': vhdxDisk,
};

/**
 * Makes sure that the content is what it is declared to be, whole and harmless, before an image counts as imported; undeclared content is recognised first. Of
 * a disk it then reads all data for the content digest.
 * Throws ViceError CONTENT_INVALID, CONTENT_TRUNCATED or CONTENT_REFUSED, whose message names the reason; the abort signal's reason; and errors of
 * the bytes' reader as they are.
 */
export async function inspect(
  bytes: InspectableBytes,
  declared: ContentType | undefined,
  limits: InspectionLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<Inspection> {
  const { contentType, facts } = await inspectFacts(bytes, declared, limits, signal);
  const disk = isDisk(contentType) ? await openGuestDisk(bytes, contentType, limits) : undefined;
  return { contentType, facts, contentDigest: disk ? await contentDigest(disk, { signal }) : null };
}

/** The same without the content digest: of a disk only its tables are read. */
export async function inspectFacts(
  bytes: InspectableBytes,
  declared: ContentType | undefined,
  limits: InspectionLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<Omit<Inspection, 'contentDigest'>> {
  if (bytes.size === 0) throw invalid('the content is empty');
  const contentType = declared ?? (await recognise(bytes, limits, signal));
  const inspector = INSPECTORS[contentType];
  const { head, end } = await readBothEnds(bytes);
  if (!inspector.canBe(head, end)) {
    throw invalid(
      `the content is declared as ${contentType}, but is not ${inspector.label}; ${await describe(bytes, limits, signal)}`,
    );
  }
  const facts = await inspector.inspect(bytes, limits, signal);
  if (Buffer.byteLength(JSON.stringify(facts)) > limits.maxFactsBytes)
    throw refused(`what ${inspector.label} says of itself is larger than ${limits.maxFactsBytes} bytes, the limit here`);
  return { contentType, facts };
}

async function describe(bytes: InspectableBytes, limits: InspectionLimits, signal?: AbortSignal): Promise<string> {
  try {
    return `it looks like ${INSPECTORS[await recognise(bytes, limits, signal)].label}`;
  } catch (error) {
    if (error instanceof ViceError) return error.message;
    throw error;
  }
}
