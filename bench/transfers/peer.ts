import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, until } from '#libs/testing';
import { type Place } from '../place.js';
import { curl } from './curl.js';

const run = promisify(execFile);
const PACKAGE = 'docker-registry';

/** Debian's docker-registry, on the same disk, at a free port of 127.0.0.1. */
export interface Peer {
  /** Bytes by one PUT. Answers the seconds, with those of the POST before it, and where they are read. */
  upload(file: string, sha256: string): Promise<{ seconds: number; url: string }>;
}

/** It ends with the place. Raises why there is none. */
export async function startPeer(place: Place): Promise<Peer> {
  const binary = await findBinary(place);
  const port = await freePort();
  const config = place.path('docker-registry.yml');
  await writeFile(config, configuration(place.path('docker-registry'), port));
  const child = spawn(binary, ['serve', config], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  place.keep({
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  });
  const base = `http://127.0.0.1:${port}/v2`;
  await until(async () => (await fetch(`${base}/`)).ok, { what: `${PACKAGE} answers`, timeout: 30_000 });
  return {
    async upload(file, sha256) {
      const began = performance.now();
      const response = await fetch(`${base}/bench/blobs/uploads/`, { method: 'POST' });
      const location = response.headers.get('location');
      if (response.status !== 202 || !location) throw new Error(`${PACKAGE} takes no upload: ${response.status}`);
      const opened = (performance.now() - began) / 1000;
      const digest = `sha256:${sha256}`;
      const target = `${location}&digest=${encodeURIComponent(digest)}`;
      const sent = await curl(201, '-H', 'Content-Type: application/octet-stream', '-T', file, target);
      return { seconds: opened + sent, url: `${base}/bench/blobs/${digest}` };
    },
  };
}

/** The installed one, or the package's own, unpacked into the place. */
async function findBinary(place: Place): Promise<string> {
  const installed = `/usr/bin/${PACKAGE}`;
  if (existsSync(installed)) return installed;
  const folder = place.path('debian');
  await mkdir(folder, { mode: 0o755 });
  await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', PACKAGE], { cwd: folder });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get downloaded no ${PACKAGE}`);
  await run('dpkg-deb', ['-x', join(folder, archive), folder]);
  return join(folder, installed);
}

/** Debian's own, but for the place, the port, and the login that it asks for. */
const configuration = (folder: string, port: number): string => `
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: ${folder} }
  delete: { enabled: true }
http: { addr: '127.0.0.1:${port}' }
`;
