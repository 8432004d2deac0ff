import autocannon from 'autocannon';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { Samples } from '../samples.js';
import { say, Table } from '../table.js';
import { type Client } from '../vice/client.js';
import { startVice, waysIn } from '../vice/vice.js';
import { fillCatalogue, IMAGES } from './catalogue.js';

const CONNECTIONS = 32;
const WARM_UP_S = 4;
const SECONDS = 5;

/** Requests per second with a login, by as many connections as ever kept alive, out of a full catalogue. */
export async function measureRequests(place: Place, { repetitions }: Options): Promise<Table[]> {
  const count = IMAGES.toLocaleString('en');
  const table = new Table(`Requests per second, ${CONNECTIONS} connections, ${count} images`, [
    '',
    'best',
    'median',
    'p50 ms',
    'p99 ms',
  ]);
  const databaseUrl = await place.newDatabase();
  let catalogue: Awaited<ReturnType<typeof fillCatalogue>> | undefined;
  for (const way of waysIn(place)) {
    await using vice = await startVice(way, place, databaseUrl);
    catalogue ??= (say('  filling the catalogue'), await fillCatalogue(vice.url, databaseUrl));
    const reader = catalogue.reader.at(vice.url);
    const operations: Record<string, string[]> = {
      'GET /image/{id}': catalogue.ids.map((id) => `/v1/image/${id}`),
      'GET /images?limit=100': ['/v1/images?limit=100'],
    };
    for (const [operation, paths] of Object.entries(operations)) {
      say(`  ${operation}, ${way}`);
      const { rate, p50, p99 } = await measureLoad(reader, paths, repetitions);
      table.add(`${operation}, ${way}`, rate.best.toFixed(0), rate.median.toFixed(0), p50.toFixed(0), p99.toFixed(0));
    }
  }
  return [table];
}

async function measureLoad(
  reader: Client,
  paths: string[],
  repetitions: number,
): Promise<{ rate: Samples; p50: number; p99: number }> {
  const rate = new Samples();
  let best = await load(reader, paths, WARM_UP_S);
  for (let i = 0; i < repetitions; i++) {
    const result = await load(reader, paths, SECONDS);
    rate.add(result.requests.average);
    if (i === 0 || result.requests.average > best.requests.average) best = result;
  }
  return { rate, ...best.latency };
}

async function load(reader: Client, paths: string[], duration: number): Promise<Awaited<ReturnType<typeof autocannon>>> {
  const result = await autocannon({
    url: reader.url,
    connections: CONNECTIONS,
    duration,
    headers: { authorization: reader.authorization },
    requests: paths.map((path) => ({ method: 'GET', path })),
  });
  if (result.non2xx + result.errors > 0)
    throw new Error(`${result.non2xx} requests were refused, ${result.errors} failed: nothing to measure`);
  return result;
}
