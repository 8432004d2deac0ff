import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { queryOnce, startSpanReceiver, until, type SpanReceiver } from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { logLines } from './log-lines.js';
import { SEED_ENVIRONMENT } from './seed-bodies.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';
const MALFORMED = ['aeiou', '%00', `${UNKNOWN_ID}'`, '..%2f..%2fuser', '%F0%9F%92%A5'];
const SECRETS = { login: 'login-5ecret-', password: 'environment-5ecret-', token: 'token-5ecret-', key: 'pem-5ecret-' };
/** For whoever takes our traces. */
const COLLECTOR_SECRET = 'collector-5ecret-';

await inBothWays('strangers and secrets', [], (way) => {
  let vice: Vice;
  let receiver: SpanReceiver;
  let ada: ViceClient;
  let strangers: [who: string, client: ViceClient, status: number][];
  let ids: { image: string; environment: string; deployment: string; job: string };

  beforeAll(async () => {
    receiver = await startSpanReceiver();
    const traces = {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${COLLECTOR_SECRET}`,
    };
    vice = await startVice(way, { env: { VICE_LOG_LEVEL: 'trace', ...traces } });
    const anonymous = vice.anonymous();
    const login = { username: 'ada', password: SECRETS.login };
    expectStatus(200, await anonymous.post('/user', login));
    ada = anonymous.as(login);
    strangers = [
      ['anyone without a login', anonymous, 401],
      ['anyone with a wrong password', anonymous.as({ username: 'ada', password: `wrong-${SECRETS.login}` }), 401],
      ['another user', await vice.newUser(), 404],
    ];
    const environment = await ada.createEnvironment({
      managementlayer: { software: 'docker' },
      credentials: {
        location: 'unix:///nowhere/docker.sock',
        username: 'ada',
        password: SECRETS.password,
        specifics: { apiToken: SECRETS.token, key: SECRETS.key, nested: { clientSecret: SECRETS.token }, ca: 'open to all' },
      },
    });
    expect(environment.credentials).toEqual({
      location: 'unix:///nowhere/docker.sock',
      username: 'ada',
      specifics: { ca: 'open to all' },
    });
    const image = await ada.uploadedImage(Buffer.from('FROM scratch\nCOPY . /\n'), { title: 'private' });
    const deployment = await ada.deploy(image.id, environment.id);
    const [job] = await ada.deploymentJobs(deployment.id);
    ids = { image: image.id, environment: environment.id, deployment: deployment.id, job: job?.id ?? '' };
  }, 120_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
  }, 60_000);

  const ROUTES: [method: string, path: string][] = [
    ['GET', '/image/{image}'],
    ['GET', '/image/{image}/jobs'],
    ['GET', '/image/{image}/file'],
    ['POST', '/image/{image}/file'],
    ['DELETE', '/image/{image}'],
    ['GET', '/environment/{environment}'],
    ['GET', '/environment/{environment}/images'],
    ['POST', '/environment/{environment}/check'],
    ['DELETE', '/environment/{environment}'],
    ['GET', '/deployment/{deployment}'],
    ['GET', '/deployment/{deployment}/jobs'],
    ['DELETE', '/deployment/{deployment}'],
    ['DELETE', '/deployment/{deployment}?forget=true'],
    ['GET', '/job/{job}'],
    ['POST', '/job/{job}/retry'],
  ];

  test.each(ROUTES)('%s %s is closed to strangers, and an unknown or malformed id is not found', async (method, path) => {
    const form = method === 'POST' ? upfile() : undefined;
    for (const [who, stranger, status] of strangers) {
      // A public image is for anonymous clients too, so that a private one is not there for them.
      const expected =
        status === 401 && !stranger.login && /^\/image\/{image}(\/file)?$/.test(path) && method === 'GET' ? 404 : status;
      const answer = await stranger.request(method, withIds(path, ids), { form });
      expect({ who, status: answer.status }).toEqual({ who, status: expected });
    }
    for (const id of [UNKNOWN_ID, ...MALFORMED]) {
      const answer = await ada.request(method, withIds(path, { image: id, environment: id, deployment: id, job: id }), { form });
      expect({ id, status: answer.status }).toEqual({ id, status: 404 });
    }
  });

  test('another user’s ids in bodies are invalid input, or not found where the id says what to change', async () => {
    const [, , [, bob]] = strangers as [unknown, unknown, [string, ViceClient, number]];
    const own = await bob.createEnvironment(SEED_ENVIRONMENT);
    expect((await bob.put('/images', { id: ids.image, title: 'mine' })).status).toBe(404);
    expect((await bob.put('/environments', { id: ids.environment, title: 'mine' })).status).toBe(404);
    expect((await bob.post('/images', { originEnvironment: { id: ids.environment } })).status).toBe(405);
    const foreign = await bob.post<{ fields: { field: string }[] }>('/deploy', {
      imageid: ids.image,
      environmentId: ids.environment,
    });
    expect({ status: foreign.status, fields: foreign.body.fields.map(({ field }) => field).sort() }).toEqual({
      status: 405,
      fields: ['environmentId', 'imageid'],
    });
    expect((await bob.post('/deploy', { imageid: ids.image, environmentId: own.id })).status).toBe(405);
    expect((await bob.get<unknown[]>('/deployments')).body).toEqual([]);
    expect((await bob.get<unknown[]>('/images')).body).toEqual([]);
    for (const list of [
      '/jobs',
      `/jobs?imageId=${ids.image}`,
      `/jobs?deploymentId=${ids.deployment}`,
      `/deadletters?jobId=${ids.job}`,
    ])
      expect({ list, found: (await bob.get<unknown[]>(list)).body }).toEqual({ list, found: [] });
  });

  test('what is an administrator’s is closed to everyone else', async () => {
    for (const [who, stranger, status] of [...strangers, ['the owner of something', ada, 403] as const]) {
      for (const [method, path] of [
        ['GET', '/administrators'],
        ['PUT', '/administrators/ada'],
        ['DELETE', '/administrators/ada'],
      ] as const) {
        const answer = await stranger.request(method, path);
        expect({ who, status: answer.status }).toEqual({ who, status: status === 401 ? 401 : 403 });
      }
    }
    const { id } = expectStatus(200, await ada.get<{ id: string }>('/user'));
    expect((await strangers[2]?.[1].get(`/jobs?userid=${id}`))?.status).toBe(403);
  });

  test('nothing of this harmed what is there', async () => {
    await ada.image(ids.image);
    expect(await ada.deployment(ids.deployment)).toMatchObject({ imageid: ids.image });
    expect((await ada.download(ids.image)).status).toBe(200);
  });

  test('secrets have gone in, and are nowhere to be read', async () => {
    // Worked with: checked by the import worker, deployed by the export worker, updated.
    await ada.post(`/environment/${ids.environment}/check`);
    await ada.job(`/deployment/${ids.deployment}`, (job) => job.error !== null, 'the deployment has been tried');
    expectStatus(201, await ada.put('/environments', { id: ids.environment, credentials: { password: `${SECRETS.password}2` } }));
    for (const secret of Object.values(SECRETS)) {
      expect({ secret, found: vice.heard.filter((answer) => answer.includes(secret)) }).toEqual({ secret, found: [] });
      expect({ secret, inLogs: vice.logs().includes(secret) }).toEqual({ secret, inLogs: false });
      expect({ secret, inTraces: receiver.text().includes(secret) }).toEqual({ secret, inTraces: false });
      expect({ secret, onBroker: vice.broker?.carried(secret) ?? false }).toEqual({ secret, onBroker: false });
      expect({ secret, inFiles: await filesWith(secret, vice.dataDir) }).toEqual({ secret, inFiles: '' });
    }
    if (vice.databaseUrl) {
      const dump = await dumpOf(vice.databaseUrl);
      expect(dump).toContain('unix:///nowhere/docker.sock');
      expect(Object.values(SECRETS).filter((secret) => dump.includes(secret))).toEqual([]);
    } else {
      // the files change while they are read, and a log of transactions that is renamed is passed over
      const isFound = async () => (await filesWith('unix:///nowhere/docker.sock', vice.dataDir)).includes('postgres');
      await until(isFound, { what: 'what is no secret is read in the database’s files', timeout: 30_000 });
    }
  });

  test('what the services print are JSON lines, without their own secrets; those of one request and its job say so', async () => {
    const requestId = 'who-asked-5';
    const created = await ada.request<{ id: string }>('POST', '/deploy', {
      json: { imageid: ids.image, environmentId: ids.environment },
      headers: { 'x-request-id': requestId },
    });
    expectStatus(201, created);
    const tried = await ada.job(`/deployment/${created.body.id}`, (job) => job.error !== null, 'the deployment has been tried');
    const lines = logLines(vice.logs());
    const ofJob = lines.filter(({ jobId }) => jobId === tried.id);
    expect(ofJob.length).toBeGreaterThan(2);
    expect(ofJob.filter((line) => line.requestId !== requestId || typeof line.attempt !== 'number')).toEqual([]);
    expect(new Set(ofJob.map(({ service }) => service))).toEqual(
      new Set(way === 'separate' ? ['export-worker', 'registry'] : ['standalone']),
    );
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'request', path: '/v1/deploy', requestId }));
    await until(() => receiver.requests.length > 0, { what: 'traces have been sent' });
    expect(receiver.requests[0]?.headers.authorization).toBe(`Bearer ${COLLECTOR_SECRET}`);
    const own = [COLLECTOR_SECRET, ...ownSecrets(vice)];
    expect(own.filter((secret) => vice.logs().includes(secret))).toEqual([]);
  });
});

/** The key and the passwords that the services were started with. */
function ownSecrets({ env }: Vice): string[] {
  const key = env['VICE_SECRET_KEY'];
  const logins = [env['AMQP_URL'], env['DATABASE_URL']].flatMap((url) => /:\/\/([^@/]+:[^@/]+)@/.exec(url ?? '')?.[1] ?? []);
  return [...(key ? [key] : []), ...logins];
}

function upfile(): FormData {
  const form = new FormData();
  form.set('upfile', new Blob(['FROM elsewhere\n']), 'Dockerfile');
  return form;
}

function withIds(path: string, ids: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/, (_, name: string) => ids[name] ?? '');
}

/** The files below a folder that hold this text, one a line: database pages and its write-ahead log among them. */
async function filesWith(text: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)('grep', ['-raslF', '-e', text, folder]).catch(
    (error: { code: number; stdout: string }) => {
      if (error.code === 1) return error;
      throw error;
    },
  );
  return stdout;
}

/** Every row of every table, as text. */
async function dumpOf(databaseUrl: string): Promise<string> {
  const tables = await queryOnce(
    databaseUrl,
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) => queryOnce(databaseUrl, `SELECT t::text AS row FROM ${String(name)} AS t`)),
  );
  return rows
    .flat()
    .map(({ row }) => String(row))
    .join('\n');
}
