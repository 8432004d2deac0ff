import { ViceError } from '#libs/errors';
import { type TransferInformation } from '../calls/structs.js';
import { type Server } from '../dial.js';

/** The port for a transfer, as safe as the calls are. Raises ENVIRONMENT_MISCONFIGURED where the satellite offers none. */
export function portOf({ plainPort = 0, sslPort = 0 }: TransferInformation, { tls, name }: Server): number {
  const port = tls ? sslPort : plainPort;
  if (port > 0) return port;
  throw new ViceError(
    'ENVIRONMENT_MISCONFIGURED',
    tls
      ? `${name} offers no file transfers over TLS; without TLS they are made only with "insecure": true and port 9090`
      : `${name} offers file transfers over TLS only: leave out "insecure" in credentials.specifics`,
  );
}
