import { describe, expect, test } from '@jest/globals';
import { Metrics, metricNames } from './metrics.js';

/** The lines of one metric, without its help and type. */
async function linesOf(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
}

test('the names are all that any service shows, each once, histograms by their parts', () => {
  const names = metricNames();
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining(['http_requests_total', 'vice_jobs_live', 'vice_workers', 'process_cpu_seconds_total']),
  );
  expect(names.filter((name) => name.startsWith('vice_jobs_duration'))).toEqual(
    ['bucket', 'count', 'sum'].map((part) => `vice_jobs_duration_seconds_${part}`),
  );
});

test('a process shows who it is', async () => {
  expect(await linesOf(new Metrics('gateway'), 'vice_build_info')).toEqual([
    expect.stringMatching(/^vice_build_info\{service="gateway",version="\d+\.\d+\.\d+"\} 1$/),
  ]);
});

test('a process shows nothing of what is another’s to count', async () => {
  expect(await new Metrics('gateway').text()).not.toMatch(/vice_jobs|vice_queue|vice_outbox|vice_blob/);
});

describe('requests', () => {
  test('are counted by the pattern of their route', async () => {
    const metrics = new Metrics('gateway');
    for (const status of [200, 200, 404]) metrics.http.answered('GET', '/v1/image/:imageId', status, 0.2);
    expect(await linesOf(metrics, 'http_requests_total')).toEqual([
      'http_requests_total{method="GET",route="/v1/image/:imageId",status="200"} 2',
      'http_requests_total{method="GET",route="/v1/image/:imageId",status="404"} 1',
    ]);
    expect(await linesOf(metrics, 'http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="/v1/image/:imageId"} 3',
    ]);
  });

  test('add no series, whatever clients call their methods and paths', async () => {
    const metrics = new Metrics('gateway');
    for (let i = 0; i < 100; i++) metrics.http.answered(`VERB-${i}`, undefined, 404, 0);
    expect(await linesOf(metrics, 'http_requests_total')).toEqual([
      'http_requests_total{method="other",route="unmatched",status="404"} 100',
    ]);
  });
});

describe('attempts', () => {
  const attempt = { kind: 'import', action: 'import', attempt: 1, outcome: 'failed', seconds: 3, bytes: 5 } as const;

  test('add no series, whatever a user calls the software and a worker its error', async () => {
    const metrics = new Metrics('registry');
    for (const software of ['Docker ', 'proxmox', 'hyperv', null, ' '])
      metrics.jobs.attemptEnded({ ...attempt, code: `MADE_UP_${software}`, software });
    expect(
      (await linesOf(metrics, 'vice_jobs_duration_seconds_count')).map((line) => /software="(\w+)"\} (\d)/.exec(line)?.slice(1)),
    ).toEqual([
      ['docker', '1'],
      ['other', '2'],
      ['none', '2'],
    ]);
    expect((await linesOf(metrics, 'vice_jobs_failures_total')).filter((line) => !line.endsWith(' 0'))).toEqual([
      'vice_jobs_failures_total{kind="import",action="import",code="INTERNAL"} 5',
    ]);
    expect(await linesOf(metrics, 'vice_jobs_bytes_total')).toContain('vice_jobs_bytes_total{kind="import",action="import"} 25');
  });

  test('are counted together from the ninth on', async () => {
    const metrics = new Metrics('registry');
    for (const number of [8, 9, 10, 400]) metrics.jobs.attemptEnded({ ...attempt, attempt: number, code: null, software: null });
    expect((await linesOf(metrics, 'vice_jobs_attempts_total')).filter((line) => !line.endsWith(' 0'))).toEqual([
      'vice_jobs_attempts_total{kind="import",action="import",outcome="failed",attempt="8"} 1',
      'vice_jobs_attempts_total{kind="import",action="import",outcome="failed",attempt="9+"} 3',
    ]);
  });

  test('a lapsed lease is counted beside them', async () => {
    const metrics = new Metrics('registry');
    metrics.jobs.attemptEnded({ ...attempt, outcome: 'lease_lapsed', code: 'LEASE_LOST', software: null });
    expect(await linesOf(metrics, 'vice_jobs_lease_expiries_total')).toContain('vice_jobs_lease_expiries_total{kind="import"} 1');
  });
});
