import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import ssh2, { type Connection } from 'ssh2';

export interface SshHost extends AsyncDisposable {
  port: number;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
}

export const newSshKey = (): { private: string; public: string } => ssh2.utils.generateKeyPairSync('ed25519');

/** An SSH server that lets one user in by one key, and runs commands with this PATH. */
export async function startSshHost(user: string, publicKey: string, path: string): Promise<SshHost> {
  const host = newSshKey();
  const allowed = ssh2.utils.parseKey(publicKey);
  if (allowed instanceof Error) throw allowed;
  const open = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    open.add(client);
    client.on('error', () => undefined).on('close', () => open.delete(client));
    client.on('authentication', (login) => {
      const known = login.method === 'publickey' && login.username === user && login.key.data.equals(allowed.getPublicSSH());
      if (known && (!login.signature || allowed.verify(login.blob!, login.signature, login.hashAlgo) === true)) login.accept();
      else login.reject(['publickey']);
    });
    client.on('session', (accept) =>
      accept().on('exec', (acceptCommand, _reject, { command }) => {
        const channel = acceptCommand();
        const child = spawn('sh', ['-c', command], { env: { PATH: path, HOME: '/nonexistent' } });
        channel.pipe(child.stdin.on('error', () => undefined));
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        channel.on('close', () => child.kill());
        child.on('close', (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: host.public,
    async [Symbol.asyncDispose]() {
      for (const client of open) client.end();
      server.close();
    },
  };
}
