import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { BlobCalls, DeploymentCalls, EnvironmentCalls, JobCalls, type Ask, type Digest, type JobMessage } from '#libs/contracts';
import { describeWith, postgres, until } from '#libs/testing';
import { Client } from 'pg';
import { runRegistry, type RunningRegistry } from './running-registry.js';

const DEADLINE_MS = 300;
const progress = { bytesDone: 3, bytesTotal: 7, bytesPerSecond: 1 };

await describeWith([postgres()], 'a call that its caller has given up', () => {
  let vice: RunningRegistry;
  let rival: Client;
  let userId: string;
  let digest: Digest;
  let environmentId: string;
  let message: JobMessage;
  const holder = `upload-${randomUUID()}`;

  beforeAll(async () => {
    vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '60' } });
    rival = new Client({ connectionString: vice.databaseUrl });
    await rival.connect();
    userId = await vice.newUser();
  });
  afterAll(async () => {
    await rival.end();
    await vice[Symbol.asyncDispose]();
  });

  /** A deployment whose export runs, a blob that is held, and one that is being collected. */
  beforeEach(async () => {
    digest = `sha256:${randomUUID().replaceAll('-', '').repeat(2)}`;
    environmentId = randomUUID();
    const imageId = randomUUID();
    const environment = { id: environmentId, managementlayer: { software: 'docker' } };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId, environment });
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${digest}', 7, 'stored')`);
    await vice.sql(
      `INSERT INTO variants (source_digest, content_type, digest, size) VALUES ('${digest}', 'docker-image', '${digest}', 7)`,
    );
    await vice.sql(
      `INSERT INTO images (id, user_id, contenttype, status, digest, size) VALUES ('${imageId}', '${userId}', 'docker-image', 'ready', '${digest}', 7)`,
    );
    const deployment = { imageId, environmentId, title: null, specifics: {} };
    const { id: deploymentId } = await vice.ask(DeploymentCalls.deployImage, { userId, deployment });
    message = await vice.next('export', deploymentId);
    await vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    await vice.ask(BlobCalls.pinBlob, { holder, digest });
  });

  const condemned = `sha256:${'c'.repeat(64)}`;
  test.each<[string, string, (ask: Ask) => Promise<unknown>]>([
    [
      'a change in a transaction',
      'environments',
      (ask) => ask(EnvironmentCalls.updateEnvironment, { userId, environment: { id: environmentId, title: 'late' } }),
    ],
    ['a heartbeat', 'jobs', (ask) => ask(JobCalls.heartbeat, { jobId: message.jobId, attempt: 1, progress })],
    [
      'the reference of a deployment',
      'deployments',
      (ask) => ask(JobCalls.noteReference, { jobId: message.jobId, attempt: 1, reference: 'late' }),
    ],
    ['the renewal of a hold', 'blob_pins', (ask) => ask(BlobCalls.renewHolds, { holders: [holder] })],
    ['the end of a collection', 'blobs', (ask) => ask(BlobCalls.forgetBlobs, { digests: [condemned] })],
  ])('changes nothing any more: %s', async (_, table, call) => {
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${condemned}', 1, 'deleting') ON CONFLICT DO NOTHING`);
    await rival.query('BEGIN');
    await rival.query(`LOCK TABLE ${table} IN SHARE MODE`);
    const rows = () => vice.sql(`SELECT * FROM ${table}`);
    const before = await rows();
    await expect(call(vice.within(DEADLINE_MS))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await rival.query('COMMIT');
    await until(async () => (await busy()) === 0, { what: 'the registry is done with it' });
    expect(await rows()).toEqual(before);
    await call(vice.ask);
    expect(await rows()).not.toEqual(before);
  });

  /** Connections of the registry that work on something. */
  async function busy(): Promise<number> {
    const rows = await vice.sql(`SELECT count(*)::int AS busy FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'vice-registry' AND state <> 'idle'`);
    return rows[0]?.busy as number;
  }
});
