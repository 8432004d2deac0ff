import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { queryOnce } from '#libs/testing';
import { type Place } from './place.js';

/** One line on what the figures hold for. */
export async function describeMachine(place: Place): Promise<string> {
  const parts = [
    `${availableParallelism()} cores (${await processor()})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node ${process.versions.node}`,
    `PostgreSQL ${await postgresVersion(place)}`,
    place.amqpUrl ? 'RabbitMQ' : 'no RabbitMQ',
    `load ${loadavg()[0]!.toFixed(1)} at the start`,
  ];
  return parts.join(', ');
}

async function processor(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return /^model name\s*:\s*(.+)$/m.exec(text)?.[1] ?? process.arch;
}

async function postgresVersion(place: Place): Promise<string> {
  const [row] = await queryOnce(await place.newDatabase(), 'SHOW server_version');
  return String(row?.['server_version']).split(' ')[0]!;
}
