import { ViceError } from '#libs/errors';
import { PORTS, type Peer, type Settings } from './bwlehrpool.settings.js';
import { type SatelliteEntry } from './calls/structs.js';
import { type Server } from './dial.js';

const PIN_BYTES = 32;

/** The environment's own satellite. Its certificate is the one that the environment says, else one of those that the master says. */
export function findSatellite({ satellite, certSha256 }: Settings, known: readonly SatelliteEntry[]): Omit<Server, 'tlsPorts'> {
  const name = `the satellite at ${hostAndPort(satellite)}`;
  const sha256 = certSha256 === undefined ? pinsOf(satellite, known) : [certSha256];
  if (sha256.length > 0 || !satellite.tls) return { ...satellite, name, trust: { sha256 } };
  throw new ViceError('ENVIRONMENT_MISCONFIGURED', `the certificate of ${name} is not known: ${whyNoPin(satellite, known)}`);
}

/** One host may be several satellites, by their ports. Where the port tells none of them, it may be any that is there. */
function pinsOf(satellite: Peer, known: readonly SatelliteEntry[]): string[] {
  const pinned = known.filter(isPinned);
  const exact = pinned.filter((entry) => isAt(entry, satellite, true));
  const meant = exact.length > 0 ? exact : pinned.filter((entry) => isAt(entry, satellite));
  return [...new Set(meant.map(({ certSha256 }) => certSha256!.toString('hex')))];
}

function whyNoPin(satellite: Peer, known: readonly SatelliteEntry[]): string {
  if (known.some((entry) => isAt(entry, satellite)))
    return 'the master server knows the satellite, but tells no SHA-256 of its certificate. Give that as credentials.specifics.certSha256';
  const others = known.map(
    ({ displayName = 'without a name', addressList = [] }) => `${displayName} (${addressList.join(', ')})`,
  );
  return (
    `the master server knows no such satellite of yours${others.length > 0 ? `, but ${others.join('; ')}` : ''}. ` +
    'Give one of these as credentials.location, or the SHA-256 of its certificate as credentials.specifics.certSha256'
  );
}

const isPinned = ({ certSha256 }: SatelliteEntry): boolean => certSha256?.length === PIN_BYTES;

const isAt = ({ addressList = [] }: SatelliteEntry, { host, port }: Peer, exactly = false): boolean =>
  addressList.map(addressOf).some((address) => address.host === host.toLowerCase() && (!exactly || address.port === port));

/** `host`, `host:port`, `[IPv6]:port`, or an IPv6 address by itself. */
function addressOf(text: string): Pick<Peer, 'host' | 'port'> {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: (bracketed ?? plain ?? text).toLowerCase(), port: port === undefined ? PORTS.tls : Number(port) };
}

export const hostAndPort = ({ host, port }: Pick<Peer, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
