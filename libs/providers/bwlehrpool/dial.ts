import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { ViceError } from '#libs/errors';
import { connected, type EgressPolicy } from '../egress-policy.js';
import { type Peer } from './bwlehrpool.settings.js';
import { connectionError } from './errors/connection-errors.js';

/** What makes us believe that a server is the one we mean: an authority (absent: the usual ones), or the fingerprints of certificates that it may have. */
export type Trust = { authority: string | undefined } | { sha256: readonly string[] };

/** A server to connect to, as often as it takes. */
export interface Server extends Peer {
  /** In the words of the user: "the satellite at host:port". */
  name: string;
  /** Of no meaning without TLS. */
  trust: Trust;
  /** Ports that are over TLS although `tls` is not set; they are the server's, whichever login it was. */
  tlsPorts: Set<number>;
}

/** Whether a certificate of the server is known that its connections can be held to. */
export const isPinned = ({ trust }: Server): boolean => 'sha256' in trust && trust.sha256.length > 0;

/** A connection to a server that is the one we mean: until that is certain, not a byte of ours goes to it. Raises ViceErrors. */
export async function dial(egress: EgressPolicy, server: Server, signal: AbortSignal): Promise<Socket> {
  try {
    const socket = await egress.connect(server.host, server.port, signal);
    return server.tls ? await secured(socket, server, signal) : socket;
  } catch (error) {
    signal.throwIfAborted();
    throw connectionError(error, server.name);
  }
}

async function secured(socket: Socket, { host, trust, name }: Server, signal: AbortSignal): Promise<Socket> {
  const pinned = 'sha256' in trust;
  const options: ConnectionOptions = pinned ? { rejectUnauthorized: false } : { ca: trust.authority };
  const tls = connectTls({ ...options, socket, host, servername: isIP(host) ? undefined : host, minVersion: 'TLSv1.2' });
  await connected(tls, signal, 'secureConnect');
  if (!pinned) return tls;
  const found = createHash('sha256')
    .update(tls.getPeerX509Certificate()?.raw ?? '')
    .digest();
  if (trust.sha256.some((known) => timingSafeEqual(found, Buffer.from(known, 'hex')))) return tls;
  tls.destroy();
  throw new ViceError(
    'ENVIRONMENT_MISCONFIGURED',
    `${name} has the certificate ${found.toString('hex')}, but ${trust.sha256.join(' or ')} is the one to trust; ` +
      'if it was renewed, give the new one as credentials.specifics.certSha256, else somebody stands in between',
  );
}
