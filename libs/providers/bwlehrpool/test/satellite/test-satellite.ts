import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type JsonObject } from '#libs/contracts';
import { tempDir } from '#libs/testing';
import { TestAuthority } from '../../../test/certificates.js';
import { Faults } from './faults.js';
import { Listener, serveCalls, type Service } from './rpc.server.js';
import { satelliteService, textAt, type Ports } from './satellite.service.js';
import { Store } from './store.js';
import { serveTransfer } from './transfer.server.js';
import { LECTURER, Users } from './users.js';
import { binary, list, struct, text } from './wire.js';

/** A master and a satellite at free ports of 127.0.0.1, each plain and with TLS. Written from the reference page alone. */
export interface TestSatellite extends AsyncDisposable {
  faults: Faults;
  store: Store;
  users: Users;
  /** Ports for calls. */
  rpc: Ports;
  master: Ports;
  /** Ports for files; 0 is what the satellite says that it does not offer. */
  transfer: Ports;
  /** Of the satellite's self-signed certificate, in hexadecimal. */
  certSha256: string;
  /** PEM of the authority of the master's certificate. */
  authority: string;
  /** What the master says of the satellite, where it is not the truth. */
  known: { addresses: string[]; certSha256: Buffer | null };
  /** Other satellites that the master lists before it. */
  others: { addresses: string[]; certSha256: Buffer }[];
  /** `credentials` of an environment that is this satellite. */
  access(
    how: 'tls' | 'plain',
    specifics?: JsonObject,
  ): { location: string; username: string; password: string; specifics: JsonObject };
  /** Forgets all transfers and breaks all connections, as a restart does. */
  restart(): void;
}

export async function startSatellite({ pageSize = 3 } = {}): Promise<TestSatellite> {
  const dir = await tempDir();
  const [own, authority] = await Promise.all([selfSigned(dir.path), new TestAuthority(dir.path, 'authority')]);
  const masterTls = authority.issue('master', 'IP:127.0.0.1');
  const [faults, store, users] = [new Faults(), new Store(), new Users()];
  const transfer: Ports = { plain: 0, tls: 0 };
  const known: TestSatellite['known'] = { addresses: ['127.0.0.1'], certSha256: Buffer.from(own.sha256, 'hex') };

  const others: TestSatellite['others'] = [];
  const masterCalls = masterService(users, known, others);
  const rpcService = satelliteService({ store, users, pageSize, transferPorts: () => transfer });
  const calls = (service: Service) => (socket: Parameters<typeof serveCalls>[0]) => serveCalls(socket, service, faults);
  const files = (socket: Parameters<typeof serveTransfer>[0]) => void serveTransfer(socket, store, faults);
  const linesAtOnce = () => faults.linesAtOnce;
  const listeners = {
    rpcPlain: new Listener(calls(rpcService)),
    rpcTls: new Listener(calls(rpcService), own),
    masterPlain: new Listener(calls(masterCalls)),
    masterTls: new Listener(calls(masterCalls), masterTls),
    transferPlain: new Listener(files, undefined, linesAtOnce),
    transferTls: new Listener(files, own, linesAtOnce),
  };
  const port = (of: keyof typeof listeners) => listeners[of].listen();
  const rpc = { plain: await port('rpcPlain'), tls: await port('rpcTls') };
  const master = { plain: await port('masterPlain'), tls: await port('masterTls') };
  Object.assign(transfer, { plain: await port('transferPlain'), tls: await port('transferTls') });

  return {
    faults,
    store,
    users,
    rpc,
    master,
    transfer,
    certSha256: own.sha256,
    authority: authority.root.cert,
    known,
    others,
    access: (how, specifics = {}) => ({
      location: `127.0.0.1:${rpc[how]}`,
      username: LECTURER.login,
      password: LECTURER.password,
      specifics: {
        master: `127.0.0.1:${master[how]}`,
        ...(how === 'plain' ? { insecure: true } : { cacert: authority.root.cert }),
        ...specifics,
      },
    }),
    restart() {
      store.uploads.clear();
      store.downloads.clear();
      for (const listener of Object.values(listeners)) listener.hangUp();
    },
    async [Symbol.asyncDispose]() {
      faults.letGo();
      await Promise.all(Object.values(listeners).map((listener) => listener.close()));
      await dir.remove();
    },
  };
}

function masterService(users: Users, known: TestSatellite['known'], others: TestSatellite['others']): Service {
  const session = ({ token, user }: ReturnType<Users['logIn']>) =>
    struct({
      1: text(`session-${token}`),
      2: text(token),
      3: list(
        [...others, known].map(({ addresses, certSha256 }) =>
          struct({
            1: list(addresses.map(text)),
            2: text('Test satellite'),
            3: certSha256 ? binary(certSha256) : undefined,
          }),
        ),
      ),
      4: users.untold.master ? undefined : struct({ 1: text(user.id), 2: text(user.firstName), 3: text(user.lastName) }),
    });
  return {
    localAccountLogin: { throws: 'AV', handle: (args) => session(users.logIn(textAt(args, 1), textAt(args, 2))) },
    getSessionFromAccessCode: { throws: 'AV', handle: (args) => session(users.logInByCode(textAt(args, 1))) },
  };
}

/** As a satellite makes it: RSA-2048, `CN=dozmodserver`, no alternative names. */
async function selfSigned(dir: string): Promise<{ cert: string; key: string; sha256: string }> {
  const [certFile, keyFile] = [join(dir, 'satellite.crt'), join(dir, 'satellite.key')];
  const subject = ['-subj', '/CN=dozmodserver', '-days', '2', '-keyout', keyFile, '-out', certFile];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject]);
  const cert = await readFile(certFile, 'utf8');
  const sha256 = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');
  return { cert, key: await readFile(keyFile, 'utf8'), sha256 };
}
