import { type ContentDigest, type ContentType } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { contentDigest } from '../guest-disk/content-digest.js';
import { isDisk, openGuestDisk } from '../guest-disk/open-guest-disk.js';
import { inspect } from '../inspect.js';
import { DEFAULT_LIMITS } from '../inspection.js';
import { type CheckedResult, type Converted, type ConversionWork } from './conversion-work.js';
import { containerToDisk } from './container-to-disk/container-to-disk.js';
import { convertDisk } from './convert-disk.js';
import { FileBytes } from './file-bytes.js';

/**
 * Converts, and looks at the result again with our own eyes: it must be what was asked for, and of a disk into a disk the guest must see the same.
 * Raises CONTENT_INVALID where it does not, what inspection raises, and what the converters raise.
 */
export async function convert(work: ConversionWork): Promise<CheckedResult> {
  const { conversion, source, signal } = work;
  const staysDisk = isDisk(conversion.from) && isDisk(conversion.to);
  const stop = new AbortController();
  const attended = { ...work, signal: AbortSignal.any([signal, stop.signal]) };
  const before = staysDisk ? digestBefore(attended) : Promise.resolve(null);
  before.catch((error: unknown) => stop.abort(error));
  try {
    const converted = await converterOf(conversion.from, conversion.to)(attended);
    work.onConverted?.(converted.file);
    const checked = await check(converted, attended.signal);
    const [expected, found] = [await before, checked.contentDigest];
    if (staysDisk && expected !== found)
      throw new ViceError(
        'CONTENT_INVALID',
        `as ${conversion.to} the disk would not be the same: its content digest is ${found}, that of its source, ${source.bytes.size} bytes of ${conversion.from}, is ${expected}`,
      );
    return checked;
  } catch (error) {
    stop.abort(error);
    await before.catch(() => undefined); // it reads what the caller is about to close
    throw error;
  }
}

function converterOf(from: ContentType, to: ContentType): (work: ConversionWork) => Promise<Converted> {
  if (isDisk(from) && isDisk(to)) return convertDisk;
  if (from === 'docker-image' && isDisk(to)) return containerToDisk;
  throw new ViceError('INTERNAL', `there is no converter from ${from} to ${to}`);
}

/** What the guest sees before; read beside the conversion where it is not known. */
async function digestBefore({ conversion, source, signal }: ConversionWork): Promise<ContentDigest> {
  if (source.contentDigest !== null) return source.contentDigest;
  return contentDigest(await openGuestDisk(source.bytes, conversion.from), { signal });
}

async function check(converted: Converted, signal: AbortSignal): Promise<CheckedResult> {
  await using bytes = await FileBytes.open(converted.file);
  const { facts, contentDigest } = await inspect(bytes, converted.contentType, DEFAULT_LIMITS, signal);
  return { ...converted, facts, contentDigest };
}
