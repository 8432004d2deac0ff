import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import { type TestEngine } from './engines.js';

const MIB = 1024 * 1024;
const COMMANDS = ['sh', 'cat', 'echo', 'ls', 'sleep', 'sha256sum', 'wc', 'env'];

export interface SmallImage {
  /** What `docker run` prints: the container's own output, without Docker's. */
  greeting?: string;
}

/** Puts a real image of 2 MB on the engine, which runs: busybox with a shell. Returns its id there. */
export async function busyboxImage(
  engine: TestEngine,
  tag: string,
  { greeting = 'hello from busybox' }: SmallImage = {},
): Promise<string> {
  return importImage(engine, tag, greeting, 0);
}

/** The same with a file `/data` of random bytes, which no compression makes smaller. */
export async function bigImage(engine: TestEngine, tag: string, bytes: number): Promise<string> {
  return importImage(engine, tag, 'big', bytes);
}

async function importImage(engine: TestEngine, tag: string, greeting: string, dataBytes: number): Promise<string> {
  const [repo, name = 'latest'] = splitTag(tag);
  const archive = pack();
  const filled = fillRootFilesystem(archive, greeting, dataBytes);
  const imported = engine.api('POST', '/images/create', {
    query: { fromSrc: '-', repo, tag: name, changes: 'CMD ["/bin/sh", "-c", "cat /greeting"]', platform: '' },
    body: Readable.from(archive),
  });
  await Promise.all([imported, filled]);
  const { Id } = JSON.parse(await engine.api('GET', `/images/${repo}:${name}/json`)) as { Id: string };
  return Id;
}

function splitTag(tag: string): [string, string?] {
  const colon = tag.indexOf(':', tag.lastIndexOf('/') + 1);
  return colon < 0 ? [tag] : [tag.slice(0, colon), tag.slice(colon + 1)];
}

async function fillRootFilesystem(archive: Pack, greeting: string, dataBytes: number): Promise<void> {
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile(busyboxPath()));
  for (const command of COMMANDS) archive.entry({ name: `bin/${command}`, type: 'symlink', linkname: 'busybox' });
  archive.entry({ name: 'greeting' }, `${greeting}\n`);
  if (dataBytes > 0)
    await pipeline(Readable.from(randomBytesInChunks(dataBytes)), archive.entry({ name: 'data', size: dataBytes }));
  archive.finalize();
}

function* randomBytesInChunks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= MIB) yield randomFillSync(Buffer.allocUnsafe(Math.min(left, MIB)));
}

/** A statically linked busybox: the system's, or the one that the engine's script unpacked. */
export function busyboxPath(): string {
  const unpacked = join(process.env['VICE_PEERS_CACHE'] ?? '/var/cache/vice-peers', 'bookworm/bin/busybox');
  return existsSync(unpacked) ? unpacked : '/bin/busybox';
}
