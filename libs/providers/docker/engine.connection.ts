import { connect, isIP, type Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Duplex } from 'node:stream';
import { ViceError } from '#libs/errors';
import { connected, type EgressPolicy } from '../egress-policy.js';
import { secured } from '../secured.js';
import { type UnixSocketPolicy } from './unix-socket.policy.js';

/** How to reach one engine. */
export interface EngineConnection extends AsyncDisposable {
  /** The location in the words of the user, for messages. */
  readonly where: string;
  /** What HTTP's Host header says. */
  readonly host: string;
  /** A fresh connection to the engine's API. Raises ViceErrors and the errors of the system. */
  dial(signal: AbortSignal): Promise<Duplex>;
}

export interface Certificates {
  ca?: string;
  cert?: string;
  key?: string;
}

export class UnixConnection implements EngineConnection {
  readonly host = 'docker';

  constructor(
    readonly where: string,
    private readonly path: string,
    private readonly policy: UnixSocketPolicy,
  ) {}

  async dial(signal: AbortSignal): Promise<Socket> {
    const socket = connect({ path: await this.policy.allowedPath(this.path) });
    await connected(socket, signal);
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class TcpConnection implements EngineConnection {
  readonly host: string;
  private readonly secure: SecureContext | null;

  constructor(
    readonly where: string,
    private readonly address: { host: string; port: number; tls: boolean },
    certificates: Certificates,
    private readonly egress: EgressPolicy,
  ) {
    this.host = `${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
    this.secure = address.tls ? secureContext(certificates) : null;
  }

  async dial(signal: AbortSignal): Promise<Socket> {
    const { host, port } = this.address;
    const socket = await this.egress.connect(host, port, signal);
    return this.secure === null ? socket : secured(socket, host, { secureContext: this.secure }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function secureContext({ ca, cert, key }: Certificates): SecureContext {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ViceError('ENVIRONMENT_MISCONFIGURED', 'a TLS client certificate needs both credentials.specifics cert and key');
  }
  for (const [name, pem] of Object.entries({ ca, cert, key })) {
    if (pem !== undefined && !pem.includes('-----BEGIN '))
      throw new ViceError('ENVIRONMENT_MISCONFIGURED', `credentials.specifics.${name} must be PEM text ("-----BEGIN …")`);
  }
  try {
    return createSecureContext({ ca, cert, key });
  } catch (cause) {
    throw new ViceError(
      'ENVIRONMENT_MISCONFIGURED',
      'credentials.specifics ca, cert and key hold no usable certificates and key, or key and cert do not belong together',
      { cause },
    );
  }
}
