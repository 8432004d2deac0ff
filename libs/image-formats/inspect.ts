import { type ContentType } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { dockerArchive } from './docker-archive/docker-archive.inspector.js';
import { dockerFile } from './docker-file/docker-file.inspector.js';
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
import { HEAD_BYTES, recognise } from './recognise.js';
import { invalid, refused } from './refusal.js';
import { vmdkDisk } from './vmdk/vmdk.inspector.js';

const INSPECTORS: Record<ContentType, FormatInspector> = {
  'disk-raw': rawDisk,
  'disk-qcow2': qcow2Disk,
  'disk-vmdk': vmdkDisk,
  'docker-file': dockerFile,
  'docker-image': dockerArchive,
  packerfile,
  'disk-vdi': notYet('a VDI disk'),
  'disk-vhd': notYet('a VHD disk'),
  'disk-vhdx': notYet('a VHDX disk'),
};

function notYet(label: string): FormatInspector {
  return { label, canBe: () => false, inspect: async () => ({}) };
}

/**
 * Makes sure that the content is what it is declared to be, whole and harmless, before an image counts as imported; undeclared content is recognised first.
 * Throws ViceError CONTENT_INVALID, CONTENT_TRUNCATED or CONTENT_REFUSED, whose message names the reason; the abort signal's reason; and errors of
 * the bytes' reader as they are.
 */
export async function inspect(
  bytes: InspectableBytes,
  declared: ContentType | undefined,
  limits: InspectionLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<Inspection> {
  if (bytes.size === 0) throw invalid('the content is empty');
  const contentType = declared ?? (await recognise(bytes, limits, signal));
  const inspector = INSPECTORS[contentType];
  if (!inspector.canBe(await bytes.read(0, HEAD_BYTES))) {
    throw invalid(
      `the content is declared as ${contentType}, but is not ${inspector.label}; ${await describe(bytes, limits, signal)}`,
    );
  }
  const facts = await inspector.inspect(bytes, limits, signal);
  if (Buffer.byteLength(JSON.stringify(facts)) > limits.maxFactsBytes)
    throw refused(`what ${inspector.label} says of itself is larger than ${limits.maxFactsBytes} bytes, the limit here`);
  return { contentType, facts, contentDigest: null };
}

async function describe(bytes: InspectableBytes, limits: InspectionLimits, signal?: AbortSignal): Promise<string> {
  try {
    return `it looks like ${INSPECTORS[await recognise(bytes, limits, signal)].label}`;
  } catch (error) {
    if (error instanceof ViceError) return error.message;
    throw error;
  }
}
