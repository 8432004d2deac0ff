import { SOFTWARE } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type EgressPolicy } from '../egress-policy.js';
import { type EnvironmentAccess, type EnvironmentProvider } from '../environment-provider.js';
import { textOf } from '../specifics.js';
import { DockerSession } from './docker.session.js';
import { Engine } from './engine.js';
import { TcpConnection, UnixConnection, type Certificates, type EngineConnection } from './engine.connection.js';
import { parseLocation, type EngineLocation } from './location.js';
import { SshConnection } from './ssh.connection.js';
import { UnixSocketPolicy } from './unix-socket.policy.js';

/** Docker Engines, by unix socket, TCP, TLS or SSH. Nothing is taken from `DOCKER_*` variables or this server's own keys. */
export class DockerProvider implements EnvironmentProvider {
  readonly software = 'docker';
  readonly accepts = SOFTWARE['docker']!.accepts;
  private readonly sockets: UnixSocketPolicy;

  constructor(
    private readonly egress: EgressPolicy,
    unixSockets: readonly string[],
  ) {
    this.sockets = new UnixSocketPolicy(unixSockets);
  }

  async connect(environment: EnvironmentAccess, signal: AbortSignal): Promise<DockerSession> {
    const { specifics } = environment;
    const certificates = { ca: textOf(specifics, 'ca'), cert: textOf(specifics, 'cert'), key: textOf(specifics, 'key') };
    const location = parseLocation(environment.location, certificates.ca !== undefined || certificates.cert !== undefined);
    return new DockerSession(new Engine(this.connection(location, certificates, environment), signal));
  }

  private connection(location: EngineLocation, certificates: Certificates, environment: EnvironmentAccess): EngineConnection {
    const where = environment.location?.trim() ?? '';
    switch (location.kind) {
      case 'unix':
        return new UnixConnection(location.path, location.path, this.sockets);
      case 'tcp':
        return new TcpConnection(where, location, certificates, this.egress);
      case 'ssh':
        return new SshConnection(where, location, sshLogin(location.user, environment), this.egress);
    }
  }
}

function sshLogin(user: string | null, { username, password, specifics }: EnvironmentAccess) {
  const key = textOf(specifics, 'sshKey');
  const hostKey = textOf(specifics, 'sshHostKey');
  const name = user ?? username;
  if (!name) throw misconfigured('an ssh:// location needs a user: ssh://user@host');
  if (key === undefined)
    throw misconfigured(
      'an ssh:// location needs the private key as credentials.specifics.sshKey; keys of this server are never used',
    );
  if (hostKey === undefined)
    throw misconfigured(
      'an ssh:// location needs the public key of the host as credentials.specifics.sshHostKey ("ssh-ed25519 AAAA…", see ssh-keyscan)',
    );
  return { user: name, key, hostKey, ...(password && { passphrase: password }) };
}

const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
