import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ImageCalls, JobCalls, type ConvertBlobPayload, type Deployment } from '#libs/contracts';
import { describeWith, postgres, until } from '#libs/testing';
import { Client } from 'pg';
import { ConversionPlace, newContentDigest, newDigest, SIZE } from './conversion-place.js';

await describeWith([postgres()], 'a deployment of what the environment does not take', () => {
  let place: ConversionPlace;
  beforeAll(async () => void (place = await ConversionPlace.open()));
  afterAll(async () => place[Symbol.asyncDispose]());

  const states = ({ plan }: Deployment) => plan.map(({ action, state }) => `${action} ${state}`);

  it('is planned, converted, exported and deployed, each step with its job', async () => {
    const contentDigest = newContentDigest();
    const image = await place.image('disk-vdi', { contentDigest });
    const planned = await place.deploy(image.id, await place.environment());
    expect(planned).toMatchObject({
      status: 'planned',
      plan: [
        {
          ...{ kind: 'store', action: 'convert', from: 'disk-vdi', to: 'disk-qcow2', recipe: 'disk-vdi-to-disk-qcow2/1' },
          ...{ state: 'queued', jobId: expect.any(String), error: null },
        },
        { kind: 'export', action: 'deploy', contenttype: 'disk-qcow2', state: 'planned', jobId: null, error: null },
      ],
    });

    const message = await place.vice.next('convert', planned.id);
    const payload = await place.claim<ConvertBlobPayload>(message);
    expect(payload).toEqual({
      source: { digest: image.digest, size: SIZE, contentType: 'disk-vdi', contentDigest },
      ...{ recipe: 'disk-vdi-to-disk-qcow2/1', to: 'disk-qcow2', subformat: null },
    });
    expect(states(await place.now(planned))).toEqual(['convert running', 'deploy planned']);
    expect(await place.now(planned)).toMatchObject({ status: 'converting' });

    const { digest } = await place.made(message, payload);
    expect(states(await place.now(planned))).toEqual(['convert succeeded', 'deploy queued']);
    expect(await place.export(planned)).toMatchObject({
      ...{ digest, size: 5, contentType: 'disk-qcow2', facts: { virtualSize: 7 } },
    });
    expect(await place.now(planned)).toMatchObject({ status: 'deployed', environmentReference: 'there' });
    expect((await place.jobs(planned)).map(({ kind, action }) => [kind, action])).toEqual([
      ['export', 'deploy'],
      ['store', 'convert'],
    ]);
    const [row] = await place.vice.sql(
      `SELECT digest, content_type, variant_digest, variant_content_type FROM deployments WHERE id = '${planned.id}'`,
    );
    expect(row).toEqual({
      ...{ digest: image.digest, content_type: 'disk-vdi', variant_digest: digest, variant_content_type: 'disk-qcow2' },
    });
  });

  it('goes as it is where that fits, by a plan of one step', async () => {
    const image = await place.image('disk-raw');
    const deployment = await place.deploy(image.id, await place.environment());
    expect(deployment.plan).toMatchObject([{ action: 'deploy', contenttype: 'disk-raw', state: 'queued' }]);
    expect(await place.export(deployment)).toMatchObject({ digest: image.digest, contentType: 'disk-raw' });
  });

  it('converts nothing the second time', async () => {
    const image = await place.image('disk-vhdx');
    const first = await place.deploy(image.id, await place.environment());
    const { result } = await place.convert(first);
    await place.export(first);
    const second = await place.deploy(image.id, await place.environment('bwlehrpool'));
    expect(second.plan).toMatchObject([{ action: 'deploy', contenttype: 'disk-qcow2' }]);
    expect(await place.export(second)).toMatchObject({ digest: result.digest });
  });

  it('converts anew where garbage collection takes what was made at that moment', async () => {
    const image = await place.image('disk-vhdx');
    const { result } = await place.convert(await place.deploy(image.id, await place.environment()));
    const environment = await place.environment();
    const collector = new Client({ connectionString: place.vice.databaseUrl });
    await collector.connect();
    try {
      await collector.query('BEGIN');
      await collector.query('SELECT FROM blobs WHERE digest = $1 FOR UPDATE', [result.digest]);
      await collector.query(`UPDATE blobs SET state = 'deleting' WHERE digest = $1`, [result.digest]);
      await collector.query('DELETE FROM variants WHERE digest = $1', [result.digest]);
      const deploying = place.deploy(image.id, environment);
      const waits = () =>
        place.vice.sql(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR KEY SHARE OF b%'`);
      await until(async () => (await waits()).length > 0, { what: 'the deployment waits for the collector' });
      await collector.query('COMMIT');
      expect((await deploying).plan).toMatchObject([{ action: 'convert' }, { action: 'deploy' }]);
    } finally {
      await collector.end();
    }
  });

  it('shares what was made with every image of the same content, whoever owns it', async () => {
    const image = await place.image('disk-vhd');
    await place.convert(await place.deploy(image.id, await place.environment()));
    const owner = await place.vice.newUser();
    const twin = await place.image('disk-vhd', { digest: image.digest, owner, visibility: 'public' });
    const deployment = await place.deploy(twin.id, await place.environment());
    expect(deployment.plan).toMatchObject([{ action: 'deploy', contenttype: 'disk-qcow2' }]);
  });

  it('converts once where two begin at the same time: the second waits for the first', async () => {
    const image = await place.image('disk-vdi');
    const [one, two] = [
      await place.deploy(image.id, await place.environment()),
      await place.deploy(image.id, await place.environment()),
    ];
    const first = await place.vice.next('convert', one.id);
    const payload = await place.claim<ConvertBlobPayload>(first);
    const second = await place.vice.next('convert', two.id);
    await expect(place.claim(second)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    expect(states(await place.now(two))).toEqual(['convert queued', 'deploy planned']);
    const { digest } = await place.made(first, payload);
    const again = await place.vice.next('convert', two.id);
    await expect(place.claim(again)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    expect(states(await place.now(two))).toEqual(['convert succeeded', 'deploy queued']);
    expect(await place.export(two)).toMatchObject({ digest, facts: { virtualSize: 7 } });
    expect(await place.variants(image.id)).toHaveLength(2);
  });

  it('takes several conversions where one is not enough, and keeps each', async () => {
    const image = await place.image('docker-image');
    const deployment = await place.deploy(image.id, await place.environment('bwlehrpool'), { contenttype: 'disk-vmdk' });
    expect(deployment.plan.map(({ to, contenttype }) => to ?? contenttype)).toEqual(['disk-qcow2', 'disk-vmdk', 'disk-vmdk']);
    const { result: disk } = await place.convert(deployment);
    expect(states(await place.now(deployment))).toEqual(['convert succeeded', 'convert queued', 'deploy planned']);
    const { payload, result } = await place.convert(deployment);
    expect(payload).toMatchObject({ source: { digest: disk.digest, contentType: 'disk-qcow2' }, to: 'disk-vmdk' });
    expect(await place.export(deployment)).toMatchObject({ digest: result.digest, contentType: 'disk-vmdk' });
    expect(await place.variants(image.id)).toMatchObject([
      { digest: image.digest },
      { digest: disk.digest, derivedFrom: image.digest, recipe: 'docker-image-to-disk-qcow2/1' },
      { digest: result.digest, derivedFrom: disk.digest, recipe: 'docker-image-to-disk-qcow2/1+disk-qcow2-to-disk-vmdk/1' },
    ]);
  });

  it('may come to a blob that is there already', async () => {
    const [image, other] = [await place.image('disk-vdi'), await place.image('disk-qcow2')];
    const deployment = await place.deploy(image.id, await place.environment());
    await place.convert(deployment, other.digest);
    expect(await place.export(deployment)).toMatchObject({ digest: other.digest });
  });

  it('fails with a conversion that fails, whose error shows', async () => {
    const deployment = await place.deploy((await place.image('disk-vdi')).id, await place.environment());
    const message = await place.vice.next('convert', deployment.id);
    await place.claim(message);
    const error = { code: 'CONTENT_REFUSED', message: 'the disk holds no Linux' };
    await place.report(message, { kind: 'failed', ...error, transient: false });
    expect(await place.now(deployment)).toMatchObject({
      status: 'failed',
      plan: [
        { state: 'failed', error },
        { state: 'planned', jobId: null },
      ],
    });
    expect(await place.jobs(deployment)).toMatchObject([{ action: 'convert', state: 'failed', error }]);
  });

  it('whose conversion failed goes at once, as nothing of it ever went into the environment', async () => {
    const deployment = await place.deploy((await place.image('disk-vdi')).id, await place.environment());
    const message = await place.vice.next('convert', deployment.id);
    await place.claim(message);
    const error = { code: 'CONTENT_REFUSED', message: 'the disk is encrypted' };
    await place.report(message, { kind: 'failed', ...error, transient: false });
    await place.delete(deployment);
    await expect(place.now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
    const jobs = await place.vice.sql(`SELECT action FROM jobs WHERE deployment_id = '${deployment.id}'`);
    expect(jobs).toEqual([{ action: 'convert' }]);
  });

  it('whose export failed after its conversion goes by a job', async () => {
    const deployment = await place.deploy((await place.image('disk-vdi')).id, await place.environment());
    await place.convert(deployment);
    const message = await place.vice.next('export', deployment.id);
    await place.claim(message);
    await place.report(message, { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'no', transient: false });
    await place.delete(deployment);
    expect(await place.now(deployment)).toMatchObject({ status: 'removing' });
    expect(await place.jobs(deployment)).toMatchObject([{ action: 'remove' }, { action: 'deploy' }, { action: 'convert' }]);
  });

  it('deleted before it is converted, is gone at once', async () => {
    const deployment = await place.deploy((await place.image('disk-vdi')).id, await place.environment());
    await place.delete(deployment);
    await expect(place.now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
    await expect(place.claim(await place.vice.next('convert', deployment.id))).rejects.toMatchObject({
      code: 'JOB_NOT_CLAIMABLE',
    });
  });

  it('deleted while it is converted, is gone when that has stopped', async () => {
    const deployment = await place.deploy((await place.image('disk-vdi')).id, await place.environment());
    const message = await place.vice.next('convert', deployment.id);
    await place.claim(message);
    await place.delete(deployment);
    const { stop } = await place.vice.ask(JobCalls.heartbeat, {
      ...message,
      progress: { bytesDone: 1, bytesTotal: SIZE, bytesPerSecond: 1 },
    });
    expect(stop).toBe('cancelled');
    expect(await place.now(deployment)).toMatchObject({ status: 'removing' });
    await place.report(message, { kind: 'cancelled' });
    await expect(place.now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  });

  it('finishes on its content, and drops what was made of it later, when the image is deleted', async () => {
    const image = await place.image('disk-vdi');
    const deployment = await place.deploy(image.id, await place.environment());
    await place.vice.ask(ImageCalls.deleteImage, { userId: place.userId, imageId: image.id });
    const { result } = await place.convert(deployment);
    expect(await place.export(deployment)).toMatchObject({ digest: result.digest });
  });

  it.each([
    ['openstack', { contenttype: 'docker-image' }, 'specifics.contenttype'],
    ['docker', { subformat: 'streamOptimized' }, 'specifics.subformat'],
  ])('for %s does not heed %j, and names the field', async (software, specifics, field) => {
    const image = await place.image('docker-image');
    await expect(place.deploy(image.id, await place.environment(software), specifics)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      fields: [{ field }],
    });
  });

  it('is made in the wished way', async () => {
    const image = await place.image('disk-raw');
    const deployment = await place.deploy(image.id, await place.environment(), { subformat: 'streamOptimized' });
    const { payload } = await place.convert(deployment);
    expect(payload).toMatchObject({ to: 'disk-vmdk', subformat: 'streamOptimized' });
    const plain = await place.deploy(image.id, await place.environment(), { contenttype: 'disk-vmdk' });
    expect(plain.plan).toMatchObject([{ recipe: 'disk-raw-to-disk-vmdk/1' }, { action: 'deploy' }]);
  });

  it('is refused at once where there is no way', async () => {
    const image = await place.image('packerfile');
    await expect(place.deploy(image.id, await place.environment())).rejects.toMatchObject({
      code: 'NOT_DEPLOYABLE',
      message: expect.stringContaining('there is no way from packerfile to disk-qcow2 or disk-raw or disk-vmdk'),
    });
  });

  it("of another user's private image is refused, as is any sight of it", async () => {
    const owner = await place.vice.newUser();
    const image = await place.image('disk-vdi', { owner });
    await expect(place.deploy(image.id, await place.environment())).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      fields: [{ field: 'imageid' }],
    });
  });

  it('that an older release made exports what it says', async () => {
    const image = await place.image('disk-raw');
    const deployment = await place.deploy(image.id, await place.environment());
    const columns = 'plan = NULL, variant_digest = NULL, variant_size = NULL, variant_content_type = NULL';
    await place.vice.sql(`UPDATE deployments SET ${columns} WHERE id = '${deployment.id}'`);
    expect(await place.now(deployment)).toMatchObject({ plan: [] });
    expect(await place.export(deployment)).toMatchObject({ digest: image.digest, size: SIZE, contentType: 'disk-raw' });
    expect(await place.now(deployment)).toMatchObject({ status: 'deployed' });
  });

  it('is told to its owner with its plan, at each of its steps', async () => {
    const deployment = await place.deploy((await place.image('disk-vdi')).id, await place.environment());
    await place.convert(deployment, newDigest());
    await place.export(deployment);
    const told = () =>
      place.vice.sql(
        `SELECT change->'data' AS data FROM events WHERE change->>'type' = 'deployment' AND change #>> '{data,id}' = '${deployment.id}' ORDER BY id`,
      ) as unknown as Promise<{ data: Deployment }[]>;
    await until(async () => (await told()).length === 5, { what: 'five events' });
    const events = (await told()).map(({ data }) => data);
    expect(events.map((data) => [data.status, ...states(data)])).toEqual([
      ['planned', 'convert queued', 'deploy planned'],
      ['converting', 'convert running', 'deploy planned'],
      ['converting', 'convert succeeded', 'deploy queued'],
      ['exporting', 'convert succeeded', 'deploy running'],
      ['deployed', 'convert succeeded', 'deploy succeeded'],
    ]);
    const times = events.map(({ updatedAt }) => updatedAt);
    expect(times).toEqual([...times].sort());
    expect(new Set(times).size).toBe(5);
  });

  it('is nobody else’s to convert', async () => {
    const stranger = { userId: await place.vice.newUser(), imageId: (await place.image('disk-vdi')).id };
    await expect(place.variants(stranger.imageId, stranger.userId)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(place.download(stranger.imageId, 'disk-raw', { userId: stranger.userId })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
    await expect(place.download(randomUUID(), 'disk-raw')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });
});
