import { readFile } from 'node:fs/promises';
import { type JsonObject } from '#libs/contracts';
import { startSatellite } from '../../libs/providers/bwlehrpool/test/satellite/test-satellite.js';
import { LECTURER } from '../../libs/providers/bwlehrpool/test/satellite/users.js';

/** A satellite that stands, with an image in it. */
export interface Standing {
  credentials: { location: string; username: string; password: string; specifics: JsonObject };
  reference: string;
}

/** A test satellite in a process of its own, until SIGTERM. What is uploaded to it is kept in memory, so each upload takes the place of the former. */
const { file } = JSON.parse(process.argv[2]!) as { file: string };
const satellite = await startSatellite();
process.once('SIGTERM', () => void satellite[Symbol.asyncDispose]().then(() => process.exit(0)));
const base = satellite.store.createBase('bench', LECTURER.id, { osId: 7, virtId: 'vmware' });
satellite.store.addVersion(base, await readFile(file));
const standing: Standing = { credentials: satellite.access('tls'), reference: base.id };
process.stdout.write(`${JSON.stringify(standing)}\n`);
