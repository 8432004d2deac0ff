import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { Samples } from '../samples.js';
import { say, Table } from '../table.js';
import { randomFile } from '../transfers/random-file.js';
import { asMiB } from '../vice/memory.js';
import { type Moved, type Task } from './provider.process.js';
import { type Standing } from './satellite.process.js';

/** The rate at which the processor time is weighed, in bytes per second. */
const RATE = 200e6;

const DIRECTIONS = ['upload', 'download'] as const;

/**
 * One large file to and from bwLehrpool's test satellite, over TLS and two connections. Satellite and provider are a process each, so that the time and
 * the memory are the provider's own.
 */
export async function measureSatellite(place: Place, { size, repetitions }: Options): Promise<Table[]> {
  const file = await randomFile(place.path('disk'), size);
  const satellite = place.keep(startChild('satellite', { file }));
  const standing = (await satellite.answer()) as Standing;
  const table = new Table(`bwLehrpool, ${asMiB(size)} over TLS, the provider's own process`, [
    '',
    'MB/s best',
    'MB/s median',
    'CPU seconds per GiB',
    'of one core at 200 MB/s',
    'growth of memory',
  ]);
  for (const direction of DIRECTIONS) {
    const rates = new Samples();
    const costs: number[] = [];
    let growth = 0;
    for (let i = 1; i <= repetitions; i++) {
      say(`  ${direction}: ${i} of ${repetitions}`);
      await using provider = startChild('provider', { direction, file, size, ...standing } satisfies Task);
      const moved = (await provider.answer()) as Moved;
      rates.add(size / moved.seconds / 1e6);
      costs.push(moved.cpuSeconds);
      growth = Math.max(growth, moved.growth);
    }
    const cost = costs.toSorted((a, b) => a - b)[costs.length >> 1]!;
    const perGib = ((cost / size) * 2 ** 30).toFixed(2);
    const ofOneCore = `${Math.round((cost / (size / RATE)) * 100)} %`;
    table.add(direction, rates.best.toFixed(0), rates.median.toFixed(0), perGib, ofOneCore, asMiB(growth));
  }
  await satellite[Symbol.asyncDispose]();
  return [table];
}

/** A process that is told what to do by its argument, and answers with one line of JSON. */
function startChild(name: 'satellite' | 'provider', task: object): AsyncDisposable & { answer(): Promise<unknown> } {
  const script = fileURLToPath(new URL(`${name}.process.js`, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const line = once(createInterface(child.stdout!), 'line').then(([text]) => JSON.parse(text as string) as unknown);
  return {
    answer: () =>
      Promise.race([line, exited.then(([code]) => Promise.reject(new Error(`the ${name} ended with ${String(code)}`)))]),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}
