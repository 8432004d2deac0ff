import { randomUUID } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { Readable } from 'node:stream';
import { Metrics } from '#libs/observability';
import { Providers, type DeployableImage, type EnvironmentSession } from '#libs/providers';
import { MemoryWatch } from '../vice/memory.js';
import { type Standing } from './satellite.process.js';

export interface Task extends Standing {
  direction: 'upload' | 'download';
  file: string;
  size: number;
}

export interface Moved {
  seconds: number;
  cpuSeconds: number;
  /** Bytes. */
  growth: number;
}

/** The provider alone, as a worker runs it: what it costs to bring one file to a satellite, or from there. */
const task = JSON.parse(process.argv[2]!) as Task;
// as workers do: see libs/messaging/service-process.ts
setFlagsFromString('--heap-growing-percent=100');
const providers = new Providers({ unixSockets: [], egressDeny: [] }, new Metrics('test'));
const access = { id: randomUUID(), software: 'bwlehrpool', ...task.credentials };
await using session = await providers.connect(access, new AbortController().signal);
await session.check();
await using file = await open(task.file);
process.stdout.write(
  `${JSON.stringify(await measured(() => (task.direction === 'upload' ? upload(session, file) : download(session))))}\n`,
);

async function measured(work: () => Promise<void>): Promise<Moved> {
  using memory = new MemoryWatch(process.pid);
  const [began, before] = [performance.now(), process.cpuUsage()];
  await work();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { seconds, cpuSeconds: (user + system) / 1e6, growth: memory.growth };
}

async function upload(to: EnvironmentSession, from: FileHandle): Promise<void> {
  const marker = randomUUID();
  const image: DeployableImage = {
    title: 'bench',
    contentType: 'disk-vmdk',
    size: task.size,
    digest: '',
    open: async () => Readable.from([]),
    read: async (position, length, into = Buffer.allocUnsafe(length)) => {
      const { bytesRead } = await from.read(into, 0, Math.min(length, task.size - position), position);
      return into.subarray(0, bytesRead);
    },
    moved: () => undefined,
    facts: async () => ({}),
    specifics: {},
    imageSpecifics: {},
    log: () => undefined,
  };
  const { reference } = await to.write(image, marker, async () => undefined);
  await to.remove({ marker, reference, title: null, specifics: {} });
}

async function download(from: EnvironmentSession): Promise<void> {
  let bytes = 0;
  for await (const chunk of (await from.read(await from.describe(task.reference))) as AsyncIterable<Buffer>)
    bytes += chunk.length;
  if (bytes !== task.size) throw new Error(`${bytes} bytes came, and not ${task.size}`);
}
