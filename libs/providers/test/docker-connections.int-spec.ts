import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { Metrics } from '#libs/observability';
import {
  busyboxImage,
  describeWith,
  dockerEngine,
  freePort,
  startEngine,
  tempDir,
  tool,
  type TempDir,
  type TestEngine,
} from '#libs/testing';
import { Providers, type EnvironmentSession } from '../index.js';
import { TestAuthority, type Signed } from './certificates.js';
import { accessTo, deployable, inSession, noNote } from './docker-bench.js';
import { newSshKey, startSshHost, type SshHost } from './ssh-host.js';

const check = (location: string, specifics: JsonObject = {}, rest = {}) =>
  inSession(accessTo(location, specifics, rest), (session) => session.check());

await describeWith([dockerEngine('26'), tool('openssl')], 'reaching a Docker Engine', () => {
  let dir: TempDir;
  let engine: TestEngine;
  let port: number;
  let ca: string;
  let client: Signed;
  let stranger: Signed;
  const servers: Server[] = [];

  beforeAll(async () => {
    dir = await tempDir();
    const authority = new TestAuthority(dir.path, 'authority');
    const server = authority.issue('engine', 'IP:127.0.0.1');
    ca = authority.root.cert;
    client = authority.issue('client');
    stranger = new TestAuthority(dir.path, 'stranger').issue('client');
    port = await freePort();
    const tls = `--tlsverify --tlscacert=${authority.root.certFile} --tlscert=${server.certFile} --tlskey=${server.keyFile}`;
    engine = await startEngine('26', [`tcp://127.0.0.1:${port} ${tls}`]);
  }, 120_000);
  afterEach(() => servers.splice(0).forEach((server) => server.close()));
  afterAll(async () => {
    await engine?.stop();
    await dir?.[Symbol.asyncDispose]();
  });

  const listen = async (server: Server): Promise<number> => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  describe('by unix socket', () => {
    it('tells what answers', async () => {
      await expect(check(engine.location)).resolves.toMatchObject({
        message: expect.stringMatching(/^Docker Engine 26\.1.* on linux\//),
        details: { os: 'linux', storageDriver: expect.any(String) },
      });
    });

    it('only where the operator allows it', async () => {
      const closed = new Providers({ unixSockets: ['/var/run/docker.sock'], egressDeny: [] }, new Metrics('test'));
      await using session = await closed.connect(accessTo(engine.location), new AbortController().signal);
      await expect(session.check()).rejects.toMatchObject({
        code: 'LOCATION_DENIED',
        message: expect.stringContaining('VICE_UNIX_SOCKETS'),
      });
    });

    it('says when there is no socket, or none that is one', async () => {
      await expect(check(`unix://${dir.path}/none.sock`)).rejects.toMatchObject({
        code: 'ENVIRONMENT_UNREACHABLE',
        message: expect.stringContaining('there is no socket'),
      });
      await writeFile(join(dir.path, 'file'), '');
      await expect(check(`unix://${dir.path}/file`)).rejects.toMatchObject({
        message: expect.stringContaining(`${dir.path}/file`),
      });
    });

    it('takes nothing from DOCKER_ variables', async () => {
      const former = { ...process.env };
      Object.assign(process.env, { DOCKER_HOST: 'no such thing', DOCKER_CERT_PATH: '/nonexistent', DOCKER_TLS_VERIFY: '1' });
      try {
        await expect(check(engine.location)).resolves.toBeDefined();
        await expect(check('')).rejects.toMatchObject({
          code: 'ENVIRONMENT_MISCONFIGURED',
          message: expect.stringContaining('no credentials.location'),
        });
      } finally {
        process.env = former;
      }
    });
  });

  describe('by TLS', () => {
    const certificates = () => ({ CA: ca, Cert: client.cert, key: client.key });
    const location = (scheme = 'tcp', host = '127.0.0.1') => `${scheme}://${host}:${port}`;

    it.each(['tcp', 'https'])('with certificates, as %s://', async (scheme) => {
      await expect(check(location(scheme), certificates())).resolves.toMatchObject({ message: expect.stringContaining('26.1') });
    });

    it.each([
      ['no certificates at all', 'tcp', () => ({}), 'ENVIRONMENT_MISCONFIGURED', /speaks TLS/],
      ['no client certificate', 'https', () => ({ ca }), 'CREDENTIALS_REFUSED', /client certificate/],
      [
        "a stranger's client certificate",
        'tcp',
        () => ({ ca, cert: stranger.cert, key: stranger.key }),
        'CREDENTIALS_REFUSED',
        /client certificate/,
      ],
      ['no authority', 'https', () => ({ cert: client.cert, key: client.key }), 'ENVIRONMENT_MISCONFIGURED', /not trusted/],
      ['another authority', 'tcp', () => ({ ...certificates(), CA: stranger.cert }), 'ENVIRONMENT_MISCONFIGURED', /not trusted/],
      ['a certificate without its key', 'tcp', () => ({ ca, cert: client.cert }), 'ENVIRONMENT_MISCONFIGURED', /both/],
      [
        'a key of another certificate',
        'tcp',
        () => ({ ca, cert: client.cert, key: stranger.key }),
        'ENVIRONMENT_MISCONFIGURED',
        /do not belong together/,
      ],
      ['no PEM', 'tcp', () => ({ ca: '/etc/ssl/ca.pem' }), 'ENVIRONMENT_MISCONFIGURED', /PEM/],
    ] as const)('says what is wrong with %s', async (_what, scheme, specifics, code, message) => {
      await expect(check(location(scheme), specifics())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    });

    it('says when the certificate is for another host', async () => {
      await expect(check(location('tcp', 'localhost'), certificates())).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringContaining('another host'),
      });
    });

    it('refuses an address that the operator has closed, whatever it is called', async () => {
      const closed = new Providers({ unixSockets: [], egressDeny: ['127.0.0.0/8', '::1/128'] }, new Metrics('test'));
      for (const host of ['127.0.0.1', 'localhost', '0x7f000001', '[::ffff:127.0.0.1]']) {
        await using session = await closed.connect(accessTo(location('tcp', host), certificates()), new AbortController().signal);
        await expect(session.check()).rejects.toMatchObject({ code: 'LOCATION_DENIED' });
      }
    });
  });

  describe('by plain TCP', () => {
    it('speaks to what is there', async () => {
      const { connect } = await import('node:net');
      const proxy = createServer((socket) => {
        const upstream = connect(engine.socket);
        socket.pipe(upstream).pipe(socket);
        for (const end of [socket, upstream]) end.on('error', () => undefined);
      });
      const open = await listen(proxy);
      await expect(check(`tcp://127.0.0.1:${open}`)).resolves.toMatchObject({ message: expect.stringContaining('26.1') });
      await expect(check(`http://localhost:${open}`)).resolves.toBeDefined();
      await expect(check(`https://127.0.0.1:${open}`)).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringContaining('does not speak TLS'),
      });
    });

    it('says when nothing listens, or nobody knows the host', async () => {
      await expect(check(`tcp://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({
        code: 'ENVIRONMENT_UNREACHABLE',
        message: expect.stringContaining('refused'),
      });
      await expect(check('tcp://no-such-host.invalid:2375')).rejects.toMatchObject({
        code: 'ENVIRONMENT_UNREACHABLE',
        message: expect.stringContaining('name of the host'),
      });
    });

    it('does not follow a redirect', async () => {
      let followed = false;
      const target = await listen(createHttpServer(() => (followed = true)));
      const server = createHttpServer((_, answer) => answer.writeHead(307, { location: `http://127.0.0.1:${target}/` }).end());
      await expect(check(`tcp://127.0.0.1:${await listen(server)}`)).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringContaining('redirect'),
      });
      expect(followed).toBe(false);
    });

    it.each([
      ['garbage', (): Server => createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))],
      ['another web server', (): Server => createHttpServer((_, answer) => answer.end('<html>hello</html>'))],
      ['one that knows no version', (): Server => createHttpServer((_, answer) => answer.writeHead(404).end('<html>no</html>'))],
      ...['{}', '[{}]', 'null'].map((json) => [json, (): Server => createHttpServer((_, answer) => answer.end(json))] as const),
    ])('says when what answers is %s, whatever is wanted of it', async (_what, server) => {
      const location = `tcp://127.0.0.1:${await listen(server())}`;
      const { bytes, facts } = { bytes: Buffer.alloc(1024), facts: {} };
      for (const work of [
        (session: EnvironmentSession) => session.check(),
        (session: EnvironmentSession) => session.list(),
        (session: EnvironmentSession) => session.describe('busybox'),
        (session: EnvironmentSession) => session.write(deployable(bytes, facts), randomUUID(), noNote),
      ]) {
        await expect(inSession<unknown>(accessTo(location), work)).rejects.toMatchObject({
          code: 'ENVIRONMENT_MISCONFIGURED',
          message: expect.stringContaining('no Docker Engine'),
        });
      }
    });

    it('does not hold an answer without end', async () => {
      const server = createHttpServer((_, answer) => {
        const more = () => {
          while (answer.writable && answer.write('x'.repeat(2 ** 20)));
        };
        answer.on('drain', more);
        more();
      });
      await expect(check(`tcp://127.0.0.1:${await listen(server)}`)).rejects.toMatchObject({
        message: expect.stringContaining('longer than'),
      });
    });
  });

  describe('by SSH', () => {
    const key = newSshKey();
    let host: SshHost;
    const cache = process.env['VICE_PEERS_CACHE'] ?? '/var/cache/vice-peers';
    beforeAll(async () => {
      host = await startSshHost('me', key.public, `${cache}/bookworm/usr/bin:${process.env['PATH']}`);
    });
    afterAll(async () => host?.[Symbol.asyncDispose]());
    const location = (path = engine.socket) => `ssh://me@127.0.0.1:${host.port}${path}`;
    const specifics = () => ({ sshKey: key.private, sshHostKey: host.hostKey });

    it('runs everything over one connection', async () => {
      await busyboxImage(engine, 'by-ssh:1');
      await expect(check(location(), specifics())).resolves.toMatchObject({ message: expect.stringContaining('26.1') });
      const listed = await inSession(accessTo(location(), specifics()), (session) => session.list());
      expect(listed.images.map(({ reference }) => reference)).toContain('by-ssh:1');
      await inSession(accessTo(location(), specifics()), async (session) => {
        for await (const chunk of await session.read(await session.describe('by-ssh:1'))) expect(chunk.length).toBeGreaterThan(0);
      });
    });

    it.each([
      ['no key', () => ({ sshHostKey: host.hostKey }), 'ENVIRONMENT_MISCONFIGURED', /sshKey/],
      ['no host key', () => ({ sshKey: key.private }), 'ENVIRONMENT_MISCONFIGURED', /sshHostKey/],
      [
        'another host key',
        () => ({ sshKey: key.private, sshHostKey: newSshKey().public }),
        'ENVIRONMENT_MISCONFIGURED',
        /another key/,
      ],
      [
        "a stranger's key",
        () => ({ sshKey: newSshKey().private, sshHostKey: host.hostKey }),
        'CREDENTIALS_REFUSED',
        /refuses the SSH key/,
      ],
      [
        'a broken key',
        () => ({ sshKey: 'nonsense', sshHostKey: host.hostKey }),
        'ENVIRONMENT_MISCONFIGURED',
        /no private SSH key/,
      ],
      [
        'a broken host key',
        () => ({ sshKey: key.private, sshHostKey: 'nonsense' }),
        'ENVIRONMENT_MISCONFIGURED',
        /must be the public key/,
      ],
    ] as const)('says what is wrong with %s', async (_what, wrong, code, message) => {
      await expect(check(location(), wrong())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    });

    it('says when there is no engine behind', async () => {
      await expect(check(location('/nonexistent.sock'), specifics())).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringContaining('dial-stdio'),
      });
    });
  });
});
