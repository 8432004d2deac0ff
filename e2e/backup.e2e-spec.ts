import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type Image } from '#libs/contracts';
import { createTestDatabase, describeWith, postgres, rabbitmq, tempDir, tool, until, type TestDatabase } from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { startVice, type Vice } from './vice.js';

jest.setTimeout(600_000);

const run = promisify(execFile);
const KiB = 1024;

/** docs/operations.md, "Backup": no store worker runs, so that nothing is collected; first the database, then the blobs. */
await describeWith(
  [postgres(), rabbitmq(), tool('pg_dump'), tool('psql'), tool('rsync')],
  'a backup that is made while users work',
  () => {
    const secretKey = randomBytes(32).toString('base64');
    let folder: Awaited<ReturnType<typeof tempDir>>;
    let vice: Vice;
    let ada: ViceClient;
    let work: Work;
    let restoredDatabase: TestDatabase;
    let restored: Vice | undefined;

    beforeAll(async () => {
      folder = await tempDir();
      restoredDatabase = await createTestDatabase();
      vice = await startVice('separate', { env: { VICE_SECRET_KEY: secretKey, VICE_COLLECT_SECONDS: '1' } });
      ada = await vice.newUser();
      work = beginWork(ada);
      await work.uploads(8);
    }, 300_000);
    afterAll(async () => {
      await work?.end();
      await restored?.[Symbol.asyncDispose]();
      await vice?.[Symbol.asyncDispose]();
      await restoredDatabase?.drop();
      await folder?.[Symbol.asyncDispose]();
    }, 120_000);

    test('holds every image that the database in it knows, byte for byte', async () => {
      const dump = join(folder.path, 'vice.sql');
      const blobs = join(folder.path, 'blobs');
      await mkdir(blobs);
      const copyBlobs = () => run('rsync', ['-a', '--delete', '--exclude=/staging', `${vice.blobs}/`, `${blobs}/`]);
      await copyBlobs();
      await vice.process('store-worker').kill('SIGTERM');
      await run('pg_dump', ['--no-owner', `--file=${dump}`, `--dbname=${vice.databaseUrl}`]);
      await work.uploads(3);
      await copyBlobs();
      await vice.restart();
      await work.uploads(3);
      await work.end();
      await vice.terminate();

      await run('psql', ['-q', '-v', 'ON_ERROR_STOP=1', `--file=${dump}`, `--dbname=${restoredDatabase.url}`]);
      const env = { DATABASE_URL: restoredDatabase.url, VICE_SECRET_KEY: secretKey, VICE_BLOB_STORE: `file:${blobs}` };
      restored = await startVice('separate', { env });
      const again = ada.at(restored.url);
      const known = expectStatus(200, await again.get<Image[]>('/images?limit=1000'));
      const withContent = known.filter(({ status }) => status !== 'empty');
      expect(withContent.length).toBeGreaterThanOrEqual(4);
      const settled = await Promise.all(withContent.map(({ id }) => again.settledImage(id)));
      await collected(restored);
      for (const { id, title, status, digest } of settled) {
        expect([title, status, digest]).toEqual([title, 'ready', work.digests.get(title ?? '')]);
        const bytes = Buffer.from(await (await again.download(id)).arrayBuffer());
        expect(digestOf(bytes)).toBe(digest);
      }
    });
  },
);

interface Work {
  /** What was sent, by the title of its image. */
  digests: Map<string, string>;
  /** Waits until so many more uploads were answered. */
  uploads(count: number): Promise<void>;
  end(): Promise<void>;
}

/** Uploads images and deletes every third one before, so that there is always garbage to collect. */
function beginWork(client: ViceClient): Work {
  const digests = new Map<string, string>();
  const kept: string[] = [];
  let answered = 0;
  let goesOn = true;
  const working = (async () => {
    for (let n = 1; goesOn; n++) {
      const content = randomBytes(256 * KiB + n);
      const title = `disk ${n}`;
      digests.set(title, digestOf(content));
      const { id } = await client.createImage({ title, contenttype: 'disk-raw' });
      expectStatus(200, await client.upload(id, content));
      kept.push(id);
      answered++;
      if (n % 3 === 0) expectStatus(200, await client.delete(`/image/${kept.shift()}`));
    }
  })();
  let failure: unknown;
  working.catch((error: unknown) => (failure = error));
  return {
    digests,
    async uploads(count) {
      const aim = answered + count;
      const reached = () => {
        if (failure !== undefined) throw failure;
        return answered >= aim;
      };
      await until(reached, { what: `${count} more uploads were answered`, timeout: 90_000 });
    },
    async end() {
      goesOn = false;
      await working;
    },
  };
}

/** Waits until garbage was collected once more from beginning to end. */
async function collected(vice: Vice): Promise<void> {
  const collections = async () => {
    const text = await (await fetch(`${vice.process('registry').url}/metrics`)).text();
    return Number(/^vice_jobs_ended_total\{[^}]*action="collect"[^}]*outcome="succeeded"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
  };
  const before = await collections();
  await until(async () => (await collections()) > before + 1, { what: 'garbage was collected', timeout: 60_000 });
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
