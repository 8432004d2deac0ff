import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JobCalls, UserCalls, type Administrator, type DeadLetter } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { IMAGE_ID, JOB } from './fixtures.js';
import { ADA, TestGateway } from './test-gateway.js';

const LETTER: DeadLetter = {
  ...{ id: IMAGE_ID, queue: 'import', jobId: null, attempt: null, body: '<rubbish/>', reason: 'rejected', count: 1 },
  at: '2026-01-31T12:00:00.000Z',
};
const ADMINISTRATOR: Administrator = { userid: ADA.id, username: 'ada', bySetting: true };
const xml = { headers: { accept: 'application/xml' } };

describe('jobs, dead letters and administrators', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start();
    gateway
      .answer(JobCalls.findJobs, () => ({ jobs: [JOB], next: 'c2', total: 12 }))
      .answer(JobCalls.getJob, () => JOB)
      .answer(JobCalls.retryJob, () => JOB)
      .answer(JobCalls.findDeadLetters, () => ({ deadLetters: [LETTER], next: null }))
      .answer(UserCalls.findAdministrators, () => [ADMINISTRATOR])
      .answer(UserCalls.nameAdministrator, () => ADMINISTRATOR)
      .answer(UserCalls.withdrawAdministrator, () => ({}));
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  it.each([
    ['GET', '/v1/jobs', 200, [JOB]],
    ['GET', `/v1/job/${JOB.id}`, 200, JOB],
    ['POST', `/v1/job/${JOB.id}/retry`, 202, JOB],
    ['GET', '/v1/deadletters', 200, [LETTER]],
    ['GET', '/v1/administrators', 200, [ADMINISTRATOR]],
    ['PUT', '/v1/administrators/ada', 200, ADMINISTRATOR],
  ] as const)('%s %s', async (method, path, status, expected) => {
    const answer = await gateway.ask(path, { method });
    expect({ status: answer.status, body: answer.json() }).toEqual({ status, body: expected });
    expect((await gateway.ask(path, { method, anonymous: true })).status).toBe(401);
  });

  it('hands on what jobs are asked for, and where the next page is', async () => {
    const path = `/v1/jobs?state=failed&kind=import&action=import&imageId=${IMAGE_ID.toUpperCase()}&deadLettered=true&limit=7`;
    const { headers } = await gateway.ask(path);
    expect(gateway.askedOf(JobCalls.findJobs).at(-1)).toEqual({
      userId: ADA.id,
      query: { state: 'failed', kind: 'import', action: 'import', imageId: IMAGE_ID, deadLettered: true, limit: 7 },
    });
    expect(headers).toMatchObject({ link: expect.stringContaining('limit=7&cursor=c2>; rel="next"'), 'x-total-count': '12' });
    await gateway.ask(`/v1/deadletters?queue=store&jobId=${JOB.id}&cursor=c`);
    const query = { queue: 'store', jobId: JOB.id, cursor: 'c', limit: 100 };
    expect(gateway.askedOf(JobCalls.findDeadLetters).at(-1)).toEqual({ userId: ADA.id, query });
  });

  it.each([
    ['/v1/jobs?state=broken&kind=x&action=y&deadLettered=1', ['deadLettered', 'state', 'kind', 'action']],
    ['/v1/jobs?imageId=x&deploymentId=y&userid=ada&limit=1001', ['userid', 'imageId', 'deploymentId', 'limit']],
    ['/v1/deadletters?queue=vice.import&jobId=7&limit=0', ['queue', 'jobId', 'limit']],
  ])('400 names every query parameter at fault: %s', async (path, names) => {
    const answer = await gateway.ask(path);
    expect(answer.status).toBe(400);
    expect((answer.json() as { fields: { field: string }[] }).fields.map(({ field }) => field)).toEqual(names);
  });

  it('says where the job is that runs again', async () => {
    const { headers } = await gateway.ask(`/v1/job/${JOB.id}/retry`, { method: 'POST' });
    expect(headers).toMatchObject({ location: `/v1/job/${JOB.id}` });
  });

  it('answers in XML', async () => {
    const jobs = await gateway.ask('/v1/jobs', xml);
    expect(jobs.text).toContain('<Jobs><Job>');
    expect(jobs.text).toContain('<deadLetters><count>2</count>');
    expect(jobs.text).toContain(`<imageid>${IMAGE_ID}</imageid>`);
    expect((await gateway.ask('/v1/deadletters', xml)).text).toContain('<DeadLetters><DeadLetter>');
    expect((await gateway.ask('/v1/deadletters', xml)).text).toContain('<body>&lt;rubbish/&gt;</body>');
    expect((await gateway.ask('/v1/administrators', xml)).text).toContain('<Administrators><Administrator><userid>');
    expect((await gateway.ask(`/v1/job/${JOB.id}`, xml)).text).toContain('<Job><id>');
  });

  it.each(['ada', 'j\u00fcrgen m', 'a/b', '\u{1f4a5}'.repeat(64)])('takes any username in a path: %s', async (username) => {
    const path = `/v1/administrators/${encodeURIComponent(username)}`;
    expect((await gateway.ask(path, { method: 'DELETE' })).text).toBe('');
    expect(gateway.askedOf(UserCalls.withdrawAdministrator).at(-1)).toEqual({ userId: ADA.id, username });
  });

  it('hands on why not', async () => {
    gateway.answer(JobCalls.retryJob, () => Promise.reject(new ViceError('JOB_NOT_RETRYABLE', 'it is queued')));
    const answer = await gateway.ask(`/v1/job/${JOB.id}/retry`, { method: 'POST' });
    expect(answer.status).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'JOB_NOT_RETRYABLE', detail: 'it is queued' });
  });
});
