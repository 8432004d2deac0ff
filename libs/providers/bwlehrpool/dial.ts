import { createHash, timingSafeEqual } from 'node:crypto';
import { connect, isIP, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
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

/**
 * A connection to a server that is the one we mean: until that is certain, not a byte of ours goes to it. Raises ViceErrors.
 * @param onread takes what arrives, which is then heard of nowhere else
 */
export async function dial(egress: EgressPolicy, server: Server, signal: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
  const { host, port, tls, trust } = server;
  try {
    if (!tls) return await egress.connect(host, port, signal, (options) => connect({ ...options, ...(onread && { onread }) }));
    // Not over a socket that is connected already: to that, TLS would not apply `onread`.
    const options = { ...optionsFor(host, trust), ...(onread && { onread }) };
    const socket = await egress.connect(host, port, signal, (tcp: TcpNetConnectOpts) => connectTls({ ...tcp, ...options }));
    return await secured(socket, server, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw connectionError(error, server.name);
  }
}

const optionsFor = (host: string, trust: Trust): ConnectionOptions => ({
  ...('sha256' in trust ? { rejectUnauthorized: false } : { ca: trust.authority }),
  servername: isIP(host) ? undefined : host,
  minVersion: 'TLSv1.2',
});

async function secured(tls: TLSSocket, { trust, name }: Server, signal: AbortSignal): Promise<TLSSocket> {
  await connected(tls, signal, 'secureConnect');
  if (!('sha256' in trust)) return tls;
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
