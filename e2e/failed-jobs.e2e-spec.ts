import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { type Administrator, type DeadLetter, type Deployment, type Image, type Job } from '#libs/contracts';
import { brokerUrl, busyboxImage, dockerEngine, startEngine, until, type TestEngine } from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { EventReader } from './event-reader.js';
import { inBothWays, startVice, type Vice } from './vice.js';

/** No engine may be there. */
const DENIED = 'unix:///denied/docker.sock';

await inBothWays('what failed', [dockerEngine('20')], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let root: ViceClient;
  let engine: TestEngine;

  beforeAll(async () => {
    const env = { VICE_UNIX_SOCKETS: '/tmp/v*/docker.sock', VICE_ADMIN_USERNAME: 'root' };
    [engine, vice] = await Promise.all([startEngine('20'), startVice(way, { env })]);
    await busyboxImage(engine, 'small:1');
    ada = await vice.newUser();
    root = await vice.newUser('root');
  }, 120_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  }, 60_000);

  const moveTo = async (environmentId: string, location: string) =>
    expectStatus(201, await ada.put('/environments', { id: environmentId, credentials: { location } }));
  const jobs = async (client: ViceClient, query = '') => expectStatus(200, await client.get<Job[]>(`/jobs?${query}`));
  const retry = (client: ViceClient, { id }: Job) => client.post<Job & { detail: string }>(`/job/${id}/retry`);

  async function failedImport(): Promise<{ image: Image; job: Job; environmentId: string }> {
    const { id: environmentId } = await ada.dockerEnvironment(DENIED);
    const image = await ada.settledImage((await ada.import(environmentId, 'small:1')).id);
    const [job] = await jobs(ada, `state=failed&imageId=${image.id}`);
    expect(job).toMatchObject({ ...{ action: 'import', imageid: image.id, environmentId }, error: { code: 'LOCATION_DENIED' } });
    return { image, job: job!, environmentId };
  }

  test('an import: once its cause is mended it runs again, and the image is ready', async () => {
    const { image, job, environmentId } = await failedImport();
    await using events = await EventReader.open(ada);
    const again = await retry(ada, job);
    expect(again).toMatchObject({ status: 202, body: { id: job.id, state: 'queued', error: null } });
    expect(again.headers.get('location')).toBe(`/v1/job/${job.id}`);
    await events.heard('job', ({ id, state }: Job) => id === job.id && state === 'queued');
    await events.heard('image', ({ id, status }: Image) => id === image.id && status === 'importing');
    expect(await ada.settledImage(image.id)).toMatchObject({ status: 'failed' });
    const failedAgain = expectStatus(200, await ada.get<Job>(`/job/${job.id}`));
    expect(failedAgain).toMatchObject({ state: 'failed', attempt: 2, error: { code: 'LOCATION_DENIED' } });

    await moveTo(environmentId, engine.location);
    expectStatus(202, await retry(ada, job));
    expect(await ada.settledImage(image.id)).toMatchObject({ status: 'ready', imported: true });
    expect(expectStatus(200, await ada.get<Job>(`/job/${job.id}`))).toMatchObject({
      state: 'succeeded',
      attempt: 3,
      error: null,
    });
    expect(await retry(ada, job)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('succeeded') } });
  }, 90_000);

  test('a deployment: likewise, by an administrator, to whom nothing else is open', async () => {
    const { id: environmentId } = await ada.dockerEnvironment(engine.location);
    const image = await ada.importedImage(environmentId, 'small:1', { title: 'private' });
    await moveTo(environmentId, DENIED);
    const { id } = await ada.deploy(image.id, environmentId);
    expect(await ada.settledDeployment(id)).toMatchObject({ status: 'failed' });
    const [job] = await jobs(root, `state=failed&deploymentId=${id}`);
    expect(job).toMatchObject({ action: 'deploy', deploymentid: id, environmentId, userid: image.userid });
    for (const path of [`/image/${image.id}`, `/environment/${environmentId}`, `/deployment/${id}`, `/image/${image.id}/file`])
      expect({ path, status: (await root.get(path)).status }).toEqual({ path, status: 404 });

    await moveTo(environmentId, engine.location);
    await using events = await EventReader.open(ada);
    expectStatus(202, await retry(root, job!));
    await events.heard('deployment', (one: Deployment) => one.id === id && one.status === 'exporting');
    expect(await ada.settledDeployment(id)).toMatchObject({ status: 'deployed', environmentReference: expect.any(String) });
    await ada.undeploy(id);
  }, 90_000);

  test('jobs are listed page by page, in JSON and XML, and others’ only to administrators', async () => {
    const { image, job } = await failedImport();
    const bob = await vice.newUser();
    expect([(await bob.get(`/job/${job.id}`)).status, (await retry(bob, job)).status]).toEqual([404, 404]);
    expect(await jobs(bob)).toEqual([]);
    expect((await bob.get(`/jobs?userid=${image.userid}`)).status).toBe(403);
    expect((await bob.get('/jobs?state=broken')).status).toBe(400);
    const all = await jobs(ada);
    const first = await ada.get<Job[]>('/jobs?limit=1');
    expect(first.headers.get('x-total-count')).toBe(String(all.length));
    const next = /<\/v1([^>]*)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    expect([...first.body, ...expectStatus(200, await ada.get<Job[]>(next))]).toEqual(all.slice(0, 2));
    const xml = await ada.get(`/jobs?imageId=${image.id}`, { accept: 'application/xml' });
    expect(xml.text).toContain(`<Jobs><Job><id>${job.id}</id><userid>${image.userid}</userid><imageid>${image.id}</imageid>`);
    const collected = await until(async () => (await jobs(root, 'action=collect'))[0], { what: 'garbage is collected' });
    expect(collected.userid).toBeNull();
    expect((await jobs(root, `userid=${image.userid}`)).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });

  test('an administrator names others, and withdraws it at once', async () => {
    await vice.newUser('second');
    const named = await vice.newUser('first');
    expect((await named.get('/administrators')).status).toBe(403);
    expectStatus(200, await root.put('/administrators/first'));
    expect(expectStatus(200, await named.get('/user'))).toMatchObject({ username: 'first', administrator: true });
    expect((await jobs(named)).length).toBeGreaterThan(0);
    expectStatus(200, await named.put('/administrators/second'));
    const all = expectStatus(200, await root.get<Administrator[]>('/administrators'));
    expect(all.map((one) => [one.username, one.bySetting])).toEqual([
      ['first', false],
      ['root', true],
      ['second', false],
    ]);
    expectStatus(200, await root.delete('/administrators/first'));
    expect((await named.get('/administrators')).status).toBe(403);
    expect(await jobs(named)).toEqual([]);
    expect((await root.delete('/administrators/root')).status).toBe(409);
    expect((await root.put('/administrators/nobody')).status).toBe(404);
  });

  if (way === 'separate')
    describe('what the broker gave up on', () => {
      let connection: ChannelModel;
      let channel: Channel;
      beforeAll(async () => {
        connection = await connect(brokerUrl());
        channel = await connection.createChannel();
      });
      afterAll(async () => connection?.close());
      const importQueue = () => `${vice.broker?.queuePrefix}.import`;
      const letters = async (client: ViceClient) => expectStatus(200, await client.get<DeadLetter[]>('/deadletters'));

      test('because a stranger took it off the queue is seen, and the job goes on', async () => {
        const { id } = await ada.dockerEnvironment(engine.location);
        await vice.process('import-worker').kill('SIGTERM');
        const image = await ada.import(id, 'small:1');
        const message = await until(() => channel.get(importQueue()), { what: 'the message of the import is there' });
        channel.nack(message as GetMessage, false, false);
        const job = await ada.job(`/image/${image.id}`, ({ deadLetters }) => deadLetters !== null, 'it is seen at the job');
        expect(job).toMatchObject({
          ...{ deadLetters: { count: 1, reason: 'rejected' }, attempt: 0 },
          error: { code: 'MESSAGE_DEAD_LETTERED', message: expect.stringContaining('rejected') },
        });
        expect((await jobs(ada, 'deadLettered=true')).map((one) => one.id)).toEqual([job.id]);
        expect(await letters(ada)).toEqual([expect.objectContaining({ queue: 'import', jobId: job.id, attempt: 1, body: null })]);
        await vice.restart();
        expect(await ada.settledImage(image.id)).toMatchObject({ status: 'ready' });
      }, 120_000);

      test('because it is no job is seen by administrators, as it was', async () => {
        const rubbish = ['not json', '{"hello":"world"}', '{"jobId":"nobody","attempt":1}', '\u0000<&>'];
        for (const text of rubbish) channel.sendToQueue(importQueue(), Buffer.from(text));
        const found = async () => (await letters(root)).flatMap(({ body }) => body ?? []);
        await until(async () => (await found()).length === rubbish.length, { what: 'all of it is seen', timeout: 30_000 });
        expect((await found()).sort()).toEqual(rubbish.map((text) => text.replace('\u0000', '\ufffd')).sort());
        expect((await letters(ada)).filter(({ body }) => body !== null)).toEqual([]);
        const { id } = await ada.dockerEnvironment(engine.location);
        await ada.importedImage(id, 'small:1');
      }, 60_000);
    });
});
