import { createHash, timingSafeEqual } from 'node:crypto';
import { type Duplex } from 'node:stream';
import ssh2, { type Client, type ServerHostKeyAlgorithm } from 'ssh2';
import { ViceError } from '#libs/errors';
import { type EgressPolicy } from '../egress-policy.js';
import { type EngineConnection } from './engine.connection.js';

const READY_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;

export interface SshLogin {
  user: string;
  /** Private key, PEM or OpenSSH text. */
  key: string;
  /** Of the private key, where it has one. */
  passphrase?: string;
  /** `ssh-ed25519 AAAA…` as in known_hosts, or its fingerprint `SHA256:…`. */
  hostKey: string;
}

/**
 * Reaches an engine through one SSH connection, as Docker's own client does: `docker system dial-stdio` on the other side, a channel for
 * each request. Only the key given here is offered, and only to the host that has the pinned key.
 */
export class SshConnection implements EngineConnection {
  readonly host = 'docker';
  private client?: Promise<Client>;

  constructor(
    readonly where: string,
    private readonly address: { host: string; port: number; socket: string | null },
    private readonly login: SshLogin,
    private readonly egress: EgressPolicy,
  ) {}

  async dial(signal: AbortSignal): Promise<Duplex> {
    this.client ??= this.connect(signal);
    const client = await this.client;
    return new Promise((done, fail) => {
      const { socket } = this.address;
      const engine = socket === null ? '' : ` --host 'unix://${socket.replaceAll("'", "'\\''")}'`;
      client.exec(`docker${engine} system dial-stdio`, (error, channel) => {
        if (error) return fail(error);
        let said = '';
        channel.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(0, 500)));
        channel.once('exit', (code: number | null) => {
          if (code) channel.emit('error', unusable(this.where, said.trim() || `exit code ${code}`));
        });
        done(channel);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    client?.destroy();
  }

  private async connect(signal: AbortSignal): Promise<Client> {
    const { user, key, passphrase, hostKey } = this.login;
    const { type, matches } = pinned(hostKey);
    if (ssh2.utils.parseKey(key, passphrase) instanceof Error)
      throw new ViceError(
        'ENVIRONMENT_MISCONFIGURED',
        'credentials.specifics.sshKey is no private SSH key, or its passphrase is not the password of the environment',
      );
    const sock = await this.egress.connect(this.address.host, this.address.port, signal);
    const client = new ssh2.Client();
    let strangeHost = false;
    const stop = () => void client.destroy();
    const ready = new Promise<Client>((done, fail) => {
      client
        .once('ready', () => done(client))
        .on('error', fail)
        .once('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
      signal.addEventListener('abort', stop, { once: true });
    });
    client.connect({
      sock,
      username: user,
      privateKey: key,
      passphrase,
      readyTimeout: READY_MS,
      keepaliveInterval: KEEP_ALIVE_MS,
      authHandler: ['publickey'],
      hostVerifier: (offered: Buffer) => !(strangeHost = !matches(offered)),
      algorithms: type ? { serverHostKey: type } : undefined,
    });
    try {
      return await ready;
    } catch (error) {
      client.destroy();
      if (strangeHost)
        throw new ViceError(
          'ENVIRONMENT_MISCONFIGURED',
          `the host at ${this.where} has another key than credentials.specifics.sshHostKey says: it may be an impostor`,
        );
      throw error;
    } finally {
      // What ends one request must not end the connection of all.
      signal.removeEventListener('abort', stop);
    }
  }
}

/** How to tell the pinned host key, and which algorithms to ask for it with. */
function pinned(text: string): { type: ServerHostKeyAlgorithm[] | null; matches: (key: Buffer) => boolean } {
  const same = (a: Buffer, b: Buffer) => a.length === b.length && timingSafeEqual(a, b);
  const fingerprint = /^\s*SHA256:([A-Za-z0-9+/]{43})=?\s*$/.exec(text)?.[1];
  if (fingerprint !== undefined) {
    const digest = Buffer.from(fingerprint, 'base64');
    return { type: null, matches: (key) => same(createHash('sha256').update(key).digest(), digest) };
  }
  const [, type, base64] = /(?:^|\s)(ssh-[a-z0-9]+|ecdsa-sha2-nistp\d+)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(text) ?? [];
  if (type === undefined || base64 === undefined)
    throw new ViceError(
      'ENVIRONMENT_MISCONFIGURED',
      'credentials.specifics.sshHostKey must be the public key of the host ("ssh-ed25519 AAAA…", see ssh-keyscan) or its fingerprint ("SHA256:…")',
    );
  const key = Buffer.from(base64, 'base64');
  const algorithms = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type];
  return { type: algorithms as ServerHostKeyAlgorithm[], matches: (offered) => same(offered, key) };
}

function unusable(where: string, said: string): ViceError {
  return new ViceError('ENVIRONMENT_MISCONFIGURED', `"docker system dial-stdio" does not work at ${where}: ${said}`);
}
