import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Job } from '#libs/contracts';
import { openstack, startCloud, until, type TestCloud } from '#libs/testing';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { Samples } from '../samples.js';
import { say, Table } from '../table.js';
import { randomFile, settleDisk } from '../transfers/random-file.js';
import { Client } from '../vice/client.js';
import { asMiB } from '../vice/memory.js';
import { startVice } from '../vice/vice.js';

/** A cloud that is asked by curl. */
interface Peer {
  cloud: TestCloud;
  token: string;
}

/**
 * One large image out of a real Glance and back into it, as jobs of the registry; against curl doing the same, with the SHA-256 that the registry
 * computes too. What a job takes is what its row says: from the claim to the report.
 */
export async function measureClouds(place: Place, { size, repetitions }: Options): Promise<Table[]> {
  const missing = await openstack()
    .find()
    .then(() => null, String);
  if (missing !== null) {
    say(`without a cloud: ${missing}`);
    return [];
  }
  const cloud = place.keep(await startCloud({ imageSizeCap: 4 * size, tokenTtl: 36_000 }));
  const peer = { cloud, token: await tokenOf(cloud) };
  const vice = await startVice('standalone', place, await place.newDatabase());
  const client = await Client.register(vice.url);
  const environment = await client.createEnvironment(environmentAt(cloud));
  const rates = { import: new Samples(), deploy: new Samples(), curlDown: new Samples(), curlUp: new Samples() };

  for (let i = 1; i <= repetitions; i++) {
    say(`  ${i} of ${repetitions}`);
    const file = await randomFile(place.path('file'), size);
    const up = await uploadedByCurl(peer, file);
    rates.curlUp.add(rate(size, up.seconds));
    await rm(file);
    rates.curlDown.add(rate(size, await downloadedByCurl(peer, up.id, place)));

    await settleDisk();
    const image = await client.createImage({ originEnvironment: { id: environment }, environmentReference: up.id });
    await client.untilReady(image);
    rates.import.add(rate(size, secondsOf(await ended(client, `/image/${image}`, 'import'))));
    await removeFromCloud(cloud, up.id);

    await settleDisk();
    const deployment = await client.ask<{ id: string }>('POST', '/deploy', 201, { imageid: image, environmentId: environment });
    rates.deploy.add(rate(size, secondsOf(await ended(client, `/deployment/${deployment.id}`, 'deploy'))));
    await removeFromCloud(cloud, deployment.id);
  }
  await vice[Symbol.asyncDispose]();
  await cloud.stop();
  const table = new Table(`${asMiB(size)} and a real Glance, MB/s`, ['', 'best', 'median', 'time against curl']);
  const add = (what: string, measured: Samples, against?: Samples) =>
    table.add(what, measured.best.toFixed(0), measured.median.toFixed(0), against ? against.against(measured) : '');
  add('import, the whole job', rates.import, rates.curlDown);
  add('curl to a file, SHA-256 and sync', rates.curlDown);
  add('deployment, the whole job', rates.deploy, rates.curlUp);
  add('SHA-256, and curl from a file', rates.curlUp);
  return [table];
}

function environmentAt({ authUrl, projects: { vice } }: TestCloud): object {
  const { username, password, name } = vice;
  return {
    managementlayer: { software: 'openstack' },
    credentials: { location: authUrl, username, password, specifics: { tenant: name } },
  };
}

/** The seconds of SHA-256 and of the upload, one after the other: the digest is what tells that the right thing is sent. */
async function uploadedByCurl({ cloud, token }: Peer, file: string): Promise<{ id: string; seconds: number }> {
  const { id } = await cloud.createImage(cloud.projects.vice, { name: 'bench' });
  await settleDisk();
  const script = `openssl dgst -sha256 ${file} >/dev/null && curl -sSf -T ${file} -H 'Content-Type: application/octet-stream' -H "X-Auth-Token: $TOKEN" ${fileUrl(cloud, id)}`;
  return { id, seconds: await timed(script, token) };
}

/** Hashed while it comes, and synced as the blob store syncs what it keeps. */
async function downloadedByCurl({ cloud, token }: Peer, id: string, place: Place): Promise<number> {
  const file = place.path('download');
  await settleDisk();
  const script = `set -o pipefail; curl -sSf -H "X-Auth-Token: $TOKEN" ${fileUrl(cloud, id)} | tee ${file} | openssl dgst -sha256 >/dev/null && sync ${file}`;
  const seconds = await timed(script, token);
  await rm(file);
  return seconds;
}

async function timed(script: string, token: string): Promise<number> {
  const began = performance.now();
  await promisify(execFile)('bash', ['-c', script], { env: { ...process.env, TOKEN: token } });
  return (performance.now() - began) / 1000;
}

async function ended(client: Client, of: string, action: string): Promise<Job> {
  const look = async () => {
    const jobs = await client.ask<Job[]>('GET', `${of}/jobs`, 200);
    const job = jobs.find((one) => one.action === action);
    if (job?.state === 'failed') throw new Error(`the ${action} failed: ${job.error?.message}`);
    return job?.state === 'succeeded' ? job : undefined;
  };
  return until(look, { what: `the ${action} has succeeded`, timeout: 300_000, interval: 100 });
}

const secondsOf = ({ startedAt, endedAt }: Job) => (Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;

async function tokenOf({ authUrl, projects: { vice } }: TestCloud): Promise<string> {
  const { name, username, password, domain } = vice;
  const user = { name: username, password, domain: { name: domain } };
  const auth = {
    identity: { methods: ['password'], password: { user } },
    scope: { project: { name, domain: { name: domain } } },
  };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${authUrl}/auth/tokens`, { method: 'POST', headers, body: JSON.stringify({ auth }) });
  return answer.headers.get('x-subject-token') ?? '';
}

const fileUrl = ({ glanceUrl }: TestCloud, id: string) => `${glanceUrl}/v2/images/${id}/file`;

const removeFromCloud = (cloud: TestCloud, id: string) => cloud.api(cloud.projects.vice, 'image', 'DELETE', `/v2/images/${id}`);

const rate = (bytes: number, seconds: number): number => bytes / seconds / 1e6;
