import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Deployment, type Image } from '#libs/contracts';
import {
  busyboxImage,
  describeWith,
  dockerEngine,
  postgresOwn,
  rabbitmqOwn,
  startBroker,
  startEngine,
  startPostgres,
  until,
  type TestBroker,
  type TestEngine,
  type TestPostgres,
} from '#libs/testing';
import { markerTag } from '../libs/providers/docker/image-names.js';
import { expectStatus, type ViceClient } from './client.js';
import { EventReader } from './event-reader.js';
import { askEverything, NEWCOMER, type Things } from './every-operation.js';
import { beginUpload } from './held-upload.js';
import { jobsOf, messagesLeft, openJobs, oddlyEnded } from './job-books.js';
import { ANSWER_MS, Load, whyNoRefusal } from './load.js';
import { startVice, type Vice } from './vice.js';

const MIB = 1024 * 1024;
const LEASE_SECONDS = 3;
/** The tag of a deployment; others are remarks beside it. */
const DEPLOYED = /:vice-[0-9a-f]{12}$/;

interface Outage {
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
  /** It is to last longer than a lease. */
  outlasts?: boolean;
}

const needs = [postgresOwn(), rabbitmqOwn('3'), dockerEngine('20')] as const;
await describeWith(needs, 'an outage under load: the API says 503 and when to come back, and every job ends once', () => {
  let rabbit: TestBroker;
  let database: TestPostgres;
  let engine: TestEngine;
  let vice: Vice;
  let ada: ViceClient;
  let bystander: ViceClient;
  let environmentId: string;
  let image: Image;
  let things: Things;

  beforeAll(async () => {
    [rabbit, database, engine] = await Promise.all([startBroker('3'), startPostgres(), startEngine('20')]);
    vice = await startVice('separate', {
      amqpUrl: rabbit.url,
      databaseUrl: database.url,
      env: { VICE_LEASE_SECONDS: String(LEASE_SECONDS) },
    });
    await busyboxImage(engine, 'small:1');
    [ada, bystander] = await Promise.all([vice.newUser(), vice.newUser()]);
    environmentId = (await ada.dockerEnvironment(engine.location)).id;
    image = await ada.importedImage(environmentId, 'small:1');
    const deployment = await ada.deployed(image.id, environmentId);
    things = { environmentId, imageId: image.id, deploymentId: deployment.id };
  }, 180_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([rabbit, database, engine].map((part) => part?.[Symbol.asyncDispose]()));
  }, 90_000);

  const OUTAGES: [what: string, outage: Outage][] = [
    ['PostgreSQL is stopped and started', { begin: () => database.halt(), end: () => database.start() }],
    [
      'PostgreSQL is killed, for longer than a lease',
      { begin: () => database.kill(), end: () => database.start(), outlasts: true },
    ],
    ['PostgreSQL stands still, and goes on', { begin: () => database.freeze(), end: () => database.thaw() }],
    ['the broker is stopped and started', { begin: () => rabbit.halt(), end: () => rabbit.start() }],
    ['the broker is killed, for longer than a lease', { begin: () => rabbit.kill(), end: () => rabbit.start(), outlasts: true }],
    [
      'the broker’s memory is full',
      {
        begin: () => rabbit.ctl('set_vm_memory_high_watermark', '0'),
        end: () => rabbit.ctl('set_vm_memory_high_watermark', '0.6'),
      },
    ],
    ['the registry is killed and started', { begin: () => vice.process('registry').kill('SIGKILL'), end: () => vice.restart() }],
  ];

  describe.each(OUTAGES)('%s', (_, { begin, end, outlasts }) => {
    let load: Load;

    test('in between, every operation is refused with 503 and Retry-After, in time', async () => {
      load = new Load({ client: ada, environmentId, reference: 'small:1', imageId: image.id });
      await load.goesOn();
      await using reader = await EventReader.open(bystander);
      const uploading = await beginUpload(bystander, await bystander.createImage(), randomBytes(32 * MIB));

      const began = performance.now();
      await begin();
      await refuses();
      const [interrupted, answers] = await Promise.all([uploading.finish(), askEverything(ada, things)]);
      expect(whyNoRefusal(interrupted)).toBeNull();
      expect(answers.map(({ operation, answer }) => [operation, whyNoRefusal(answer)]).filter(([, why]) => why !== null)).toEqual(
        [],
      );
      // an unknown login is refused as well, and not as a wrong one
      const stranger = ada.as({ username: 'nobody', password: 'nothing' });
      expect(whyNoRefusal(await stranger.request('GET', '/user', { timeout: ANSWER_MS }))).toBeNull();
      const longEnough = () => performance.now() - began > 2 * LEASE_SECONDS * 1000;
      if (outlasts) await until(longEnough, { what: 'leases are over', timeout: 4 * LEASE_SECONDS * 1000 });
      await end();

      await answersAgain();
      await load.goesOn();
      // the stream of events stood all the while, and tells what happens now
      const { id } = await bystander.createImage({ title: 'after the outage' });
      await reader.heard<Image>('image', (image) => image.id === id);
      const ids = reader.all.flatMap((event) => (event.id === undefined ? [] : [Number(event.id)]));
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    }, 400_000);

    test('what was refused has not happened', async () => {
      expectStatus(200, await ada.get(`/environment/${things.environmentId}`));
      expect(await ada.image(things.imageId)).toMatchObject({ title: 'small:1', digest: image.digest });
      expect(await ada.deployment(things.deploymentId)).toMatchObject({ status: 'deployed' });
      for (const path of ['/environments', '/images', '/deployments']) {
        const all = expectStatus(200, await ada.get<{ title: string | null }[]>(path));
        expect(all.filter(({ title }) => title === 'changed')).toEqual([]);
      }
      expectStatus(401, await ada.as(NEWCOMER).get('/user'));
    });

    test('afterwards, every job has ended once, and all that was promised is there', async () => {
      await load.stop();
      expect(load.faults).toEqual([]);
      await until(async () => (await openJobs(database.url)) === 0, { what: 'no job is open', timeout: 90_000, interval: 200 });
      expect(await oddlyEnded(database.url)).toEqual([]);

      const { uploads, imports, deployments } = load.promised;
      for (const { imageId, digest } of uploads) {
        expect(await ada.image(imageId)).toMatchObject({ status: 'ready', digest, size: 200_000 });
        expect(await jobsOf(ada, `/image/${imageId}`)).toEqual({ inspect: 'succeeded' });
      }
      for (const imageId of imports) {
        expect(await ada.image(imageId)).toMatchObject({ status: 'ready', digest: image.digest });
        expect(await jobsOf(ada, `/image/${imageId}`)).toEqual({ import: 'succeeded', inspect: 'succeeded' });
      }
      const tags = await engine.tags();
      for (const id of deployments) {
        expect(await ada.deployment(id)).toMatchObject({ status: 'deployed' });
        expect(await jobsOf(ada, `/deployment/${id}`)).toEqual({ deploy: 'succeeded' });
        expect(tags.filter((tag) => tag.endsWith(`:${markerTag(id)}`))).toHaveLength(1);
      }
      const known = expectStatus(200, await ada.get<Deployment[]>('/deployments'));
      expect(tags.filter((tag) => DEPLOYED.test(tag))).toHaveLength(known.length);
    }, 120_000);

    test('no message is left, none is dead, and no worker is deaf', async () => {
      await until(async () => (await messagesLeft(vice)) === 0, { what: 'the queues are empty', timeout: 30_000 });
      const idle = { importsPending: 0, exportsPending: 0, storePending: 0 };
      await until(
        async () => matches(await ada.get('/runtimestats'), { ...idle, importWorker: 1, exportWorker: 1, storeWorker: 1 }),
        {
          what: 'each worker is there, and nothing is pending',
        },
      );
    });
  });

  /** From now on, and also what was under way before is answered. */
  async function refuses(): Promise<void> {
    const refused = async () => (await ada.request('GET', '/user', { timeout: ANSWER_MS })).status === 503;
    await until(refused, { what: 'the API refuses', timeout: 30_000 });
  }

  async function answersAgain(): Promise<void> {
    const answers = async () => {
      const statuses = await Promise.all(['/user', '/runtimestats'].map(async (path) => (await ada.get(path)).status));
      return statuses.every((status) => status === 200);
    };
    await until(answers, { what: 'the API answers again', timeout: 60_000 });
  }
});

function matches({ body }: { body: unknown }, expected: Record<string, unknown>): boolean {
  return Object.entries(expected).every(([name, value]) => (body as Record<string, unknown>)[name] === value);
}
