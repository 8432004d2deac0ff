import { ViceError } from '#libs/errors';
import { Satellite as Calls } from './calls/methods.js';
import { type OperatingSystem } from './calls/structs.js';
import { type Satellite } from './satellite.js';

/** What is known of the system on a disk. */
export interface SystemWish {
  /** Of the satellite that the image came from. */
  osId?: number;
  /** `Ubuntu (64 Bit)`, `Windows 10`, or Glance's `os_distro`: `ubuntu`. */
  name?: string;
  /** Glance's `os_version`, where the name says none: `22.04`. */
  version?: string;
}

/** When nothing fits: how satellites call a system that they have no name for. */
const ANY_SYSTEM = [/^other.*linux.*64/i, /^other.*linux/i, /^linux/i, /other|ander|sonstig|unknown|unbekannt/i];

export const operatingSystems = (satellite: Satellite): Promise<OperatingSystem[]> =>
  satellite.call(Calls.getOperatingSystems, {}, 'list the operating systems');

/**
 * The satellite's own entry for a system, whose numbers are nothing but the satellite's: by the number only where the name agrees, by its name, by the words of
 * its name, with its version before without, and else the one for all that has no entry. Raises ENVIRONMENT_FAILED where the satellite knows no systems.
 */
export function findSystem(
  known: readonly OperatingSystem[],
  { osId, name, version }: SystemWish,
  virtId: string,
): OperatingSystem {
  const byNumber = known.find((system) => system.osId === osId);
  if (byNumber && (name === undefined || isCalled(byNumber, words(name)))) return byNumber;
  const exactly = version === undefined ? undefined : named(known, `${name ?? ''} ${version}`, virtId);
  const byName = exactly ?? named(known, name ?? '', virtId);
  if (byName) return byName;
  for (const pattern of ANY_SYSTEM) {
    const found = forVirtualizer(known, virtId).find(({ osName = '' }) => pattern.test(osName));
    if (found) return found;
  }
  const first = forVirtualizer(known, virtId)[0] ?? known[0];
  if (first) return first;
  throw new ViceError('ENVIRONMENT_FAILED', 'the satellite knows no operating systems, so that no image can be described to it');
}

function named(known: readonly OperatingSystem[], name: string, virtId: string): OperatingSystem | undefined {
  const wanted = words(name);
  if (wanted.length === 0) return undefined;
  return known.find((system) => isCalled(system, wanted)) ?? mostAlike(known, wanted, virtId);
}

const isCalled = ({ osName = '' }: OperatingSystem, wanted: readonly string[]): boolean =>
  words(osName).join(' ') === wanted.join(' ');

/** All the wanted words must be there; of several the one with the fewest others, and 64 bits rather than 32. */
function mostAlike(known: readonly OperatingSystem[], wanted: readonly string[], virtId: string): OperatingSystem | undefined {
  const alike = forVirtualizer(known, virtId).filter(({ osName = '' }) => {
    const present = words(osName);
    return wanted.every((word) => present.includes(word));
  });
  const strangeness = ({ osName = '', architecture = '' }: OperatingSystem) =>
    words(osName).length + (/64/.test(osName + architecture) ? 0 : 1.5);
  return alike.toSorted((a, b) => strangeness(a) - strangeness(b))[0];
}

/** Those that the virtualizer has a name for; all, where it has names for none. */
function forVirtualizer(known: readonly OperatingSystem[], virtId: string): readonly OperatingSystem[] {
  const named = known.filter(({ virtualizerOsId }) => virtualizerOsId?.has(virtId));
  return named.length > 0 ? named : known;
}

const words = (name: string): string[] => name.toLowerCase().match(/[a-z]+|\d+(?:\.\d+)*/g) ?? [];
