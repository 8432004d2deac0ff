import { rm } from 'node:fs/promises';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { Samples } from '../samples.js';
import { say, Table } from '../table.js';
import { Client } from '../vice/client.js';
import { asMiB, MemoryWatch, residentBytes } from '../vice/memory.js';
import { startVice, waysIn, type Way } from '../vice/vice.js';
import { curl } from './curl.js';
import { bareWrite } from './limit.js';
import { startPeer, type Peer } from './peer.js';
import { randomFile, settleDisk } from './random-file.js';

const AT_ONCE = 8;
const SHARE_AT_ONCE = 4;
const NAMES: Readonly<Record<Way, string>> = { separate: 'gateway', standalone: 'standalone' };

/** A running system that is uploaded to, and what was measured of it. Rates are in MB/s. */
interface Subject {
  name: string;
  client: Client;
  pid: number;
  /** Bytes in use before the first transfer. */
  idle: number;
  upload: Samples;
  toNull: Samples;
  toFile: Samples;
  atOnce: Samples;
  growth: { one: number; atOnce: number };
  stop(): Promise<void>;
}

/**
 * Uploads and downloads of one large file, and of eight at once, by curl on loopback; against the machine's limit and against docker-registry. All of them
 * take their turn in each repetition, so that they share what else the machine may be doing.
 */
export async function measureTransfers(place: Place, { size, repetitions }: Options): Promise<Table[]> {
  const subjects: Subject[] = [];
  for (const way of waysIn(place)) subjects.push(await subjectOf(way, place));
  const peer = await startPeer(place).catch((error: unknown) => say(`without the peer: ${String(error)}`) as undefined);
  const limit = new Samples();
  const peers = { upload: new Samples(), toNull: new Samples(), toFile: new Samples() };
  const file = place.path('file');

  for (let i = 1; i <= repetitions; i++) {
    say(`  ${i} of ${repetitions}: one file`);
    await randomFile(file, size);
    const { seconds, sha256 } = await settled(() => bareWrite(file, place.path('bare')));
    limit.add(rate(size, seconds));
    for (const subject of subjects) await transferOne(subject, file, size, place);
    if (peer) await transferToPeer(peer, peers, file, sha256, size, place);
    await rm(file);
    say(`  ${i} of ${repetitions}: ${AT_ONCE} files at once`);
    for (const subject of subjects) await transferAtOnce(subject, size / SHARE_AT_ONCE, place);
  }
  await Promise.all(subjects.map((subject) => subject.stop()));
  return [ratesTable(subjects, limit, peer && peers, size), memoryTable(subjects, size)];
}

async function subjectOf(way: Way, place: Place): Promise<Subject> {
  const vice = await startVice(way, place, await place.newDatabase());
  const pid = vice.gatewayPid;
  const client = await Client.register(vice.url);
  await client.createImage();
  return {
    name: NAMES[way],
    client,
    pid,
    idle: residentBytes(pid),
    upload: new Samples(),
    toNull: new Samples(),
    toFile: new Samples(),
    atOnce: new Samples(),
    growth: { one: 0, atOnce: 0 },
    stop: async () => vice[Symbol.asyncDispose](),
  };
}

async function transferOne(subject: Subject, file: string, size: number, place: Place): Promise<void> {
  const { client, growth } = subject;
  using memory = new MemoryWatch(subject.pid, subject.idle);
  const image = await client.createImage();
  subject.upload.add(rate(size, await settled(() => upload(client, image, file))));
  await client.untilReady(image);
  await download(subject, size, client.fileUrl(image), place, ['-u', `${client.username}:${client.password}`]);
  growth.one = Math.max(growth.one, memory.growth);
}

async function transferToPeer(
  peer: Peer,
  measured: Pick<Subject, 'upload' | 'toNull' | 'toFile'>,
  file: string,
  sha256: string,
  size: number,
  place: Place,
): Promise<void> {
  const { seconds, url } = await settled(() => peer.upload(file, sha256));
  measured.upload.add(rate(size, seconds));
  await download(measured, size, url, place, []);
}

async function transferAtOnce({ client, pid, idle, atOnce, growth }: Subject, size: number, place: Place): Promise<void> {
  const files = await Promise.all(Array.from({ length: AT_ONCE }, () => randomFile(place.path('file'), size)));
  const images = await Promise.all(files.map(() => client.createImage()));
  using memory = new MemoryWatch(pid, idle);
  const seconds = await settled(async () => {
    const began = performance.now();
    await Promise.all(files.map((file, i) => upload(client, images[i]!, file)));
    return (performance.now() - began) / 1000;
  });
  atOnce.add(rate(size * AT_ONCE, seconds));
  growth.atOnce = Math.max(growth.atOnce, memory.growth);
  await Promise.all(files.map((file) => rm(file)));
  for (const image of images) await client.untilReady(image);
}

const upload = (client: Client, imageId: string, file: string): Promise<number> =>
  curl(200, '-u', `${client.username}:${client.password}`, '-F', `upfile=@${file}`, client.fileUrl(imageId));

async function download(
  measured: Pick<Subject, 'toNull' | 'toFile'>,
  size: number,
  url: string,
  place: Place,
  login: string[],
): Promise<void> {
  measured.toNull.add(rate(size, await settled(() => curl(200, ...login, '-o', '/dev/null', url))));
  const copy = place.path('download');
  measured.toFile.add(rate(size, await settled(() => curl(200, ...login, '-o', copy, url))));
  await rm(copy);
}

async function settled<T>(measure: () => Promise<T>): Promise<T> {
  await settleDisk();
  return measure();
}

const rate = (bytes: number, seconds: number): number => bytes / seconds / 1e6;

function ratesTable(
  subjects: Subject[],
  limit: Samples,
  peer: Pick<Subject, 'upload' | 'toNull' | 'toFile'> | undefined,
  size: number,
): Table {
  const file = asMiB(size);
  const table = new Table('Transfers in MB/s', ['', 'best', 'median', 'of the limit', 'of docker-registry']);
  const add = (what: string, measured: Samples, against?: Samples, ofLimit = true) =>
    table.add(
      what,
      measured.best.toFixed(0),
      measured.median.toFixed(0),
      ofLimit ? measured.against(limit) : '',
      against ? measured.against(against) : '',
    );
  add(`limit: write, fsync, SHA-256 of ${file}`, limit, undefined, false);
  for (const { name, upload } of subjects) add(`upload ${file}, ${name}`, upload, peer?.upload);
  if (peer) add(`upload ${file}, docker-registry`, peer.upload);
  for (const { name, atOnce } of subjects) add(`upload ${AT_ONCE} × ${asMiB(size / SHARE_AT_ONCE)} at once, ${name}`, atOnce);
  for (const { name, toNull } of subjects) add(`download to /dev/null, ${name}`, toNull, peer?.toNull, false);
  if (peer) add('download to /dev/null, docker-registry', peer.toNull, undefined, false);
  for (const { name, toFile } of subjects) add(`download to a file, ${name}`, toFile, peer?.toFile, false);
  if (peer) add('download to a file, docker-registry', peer.toFile, undefined, false);
  return table;
}

function memoryTable(subjects: Subject[], size: number): Table {
  const table = new Table('Growth of memory, peak over idle', [
    'process',
    'idle',
    `${asMiB(size)} up and down`,
    `${AT_ONCE} uploads at once`,
  ]);
  for (const { name, idle, growth } of subjects) table.add(name, asMiB(idle), asMiB(growth.one), asMiB(growth.atOnce));
  return table;
}
