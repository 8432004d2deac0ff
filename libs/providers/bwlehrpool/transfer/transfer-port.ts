import { ViceError } from '#libs/errors';
import { type TransferInformation } from '../calls/structs.js';
import { isPinned, type Server } from '../dial.js';

/** Where a satellite transfers files over TLS, unless it says otherwise. */
const USUAL_TLS_PORT = 9093;

/**
 * The port for a transfer, as safe as the calls are, and safer where the satellite offers nothing else and its certificate is known. Raises
 * ENVIRONMENT_MISCONFIGURED where it offers none.
 */
export function portOf({ plainPort = 0, sslPort = 0 }: TransferInformation, server: Server): number {
  const { tls, name, tlsPorts } = server;
  const port = tls ? sslPort : plainPort;
  if (port > 0) return port;
  if (sslPort > 0 && isPinned(server)) {
    tlsPorts.add(sslPort);
    return sslPort;
  }
  throw new ViceError(
    'ENVIRONMENT_MISCONFIGURED',
    tls
      ? `${name} offers no file transfers over TLS; without TLS they are made only with "insecure": true and port 9090`
      : `${name} offers file transfers over TLS only: leave out "insecure" in credentials.specifics`,
  );
}

/** Whether a transfer at this port is over TLS. An upload that a former attempt began is known by no more than its port. */
export const isTlsPort = (port: number, server: Server): boolean =>
  server.tls || server.tlsPorts.has(port) || (port === USUAL_TLS_PORT && isPinned(server));
