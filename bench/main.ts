import { measureClouds } from './clouds/clouds.js';
import { measureJobs } from './jobs/jobs.js';
import { measureContainerDisk } from './container-disk/container-disk.js';
import { describeMachine } from './machine.js';
import { optionsOf, type Options } from './options.js';
import { Place } from './place.js';
import { measureRequests } from './requests/requests.js';
import { measureSatellite } from './satellite/satellite.js';
import { say, type Table } from './table.js';
import { measureTransfers } from './transfers/transfers.js';

/**
 * npm run bench -- [transfers|requests|jobs|clouds|satellite|container-disk]… [--mib 1024] [--repetitions 3] [--folder /tmp]
 *
 * Tables for bench/README.md go to standard output, what is being done to standard error. Whatever it made goes at the end, also when it is
 * interrupted.
 */
const MEASURES = {
  transfers: measureTransfers,
  requests: measureRequests,
  jobs: measureJobs,
  clouds: measureClouds,
  satellite: measureSatellite,
  'container-disk': measureContainerDisk,
};

async function run(options: Options): Promise<void> {
  await using place = await Place.take(options.folder);
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  process.stdout.write(`${await describeMachine(place)}\n`);
  for (const part of options.parts) {
    say(`${part} …`);
    const tables: Table[] = await Promise.race([MEASURES[part](place, options), interrupted]);
    for (const table of tables) process.stdout.write(`\n${table.markdown()}\n`);
  }
}

try {
  await run(optionsOf(process.argv.slice(2)));
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
