import { isIP, type Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { connected } from './egress-policy.js';

export interface SecuredOptions {
  /** The certificates that count. */
  secureContext: SecureContext;
  /** Takes any certificate. */
  insecure?: boolean;
}

/** TLS over a connection to that host. Raises the errors of TLS. */
export async function secured(
  socket: Socket,
  host: string,
  { secureContext, insecure = false }: SecuredOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const servername = isIP(host) ? undefined : host;
  const tls = connect({ socket, host, servername, secureContext, rejectUnauthorized: !insecure });
  await connected(tls, signal, 'secureConnect');
  return tls;
}
