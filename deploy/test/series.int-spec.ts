import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWith, rabbitmqOwn, startBroker, type TestBroker } from '#libs/testing';
import { dashboards, expressionsOf } from './dashboards.js';
import { ourSeries, RABBITMQ_FAMILIES, seriesOfRabbitMq, unknownIn, type KnownSeries } from './known-series.js';
import { labelsOfAnswer, usesOf } from './promql-uses.js';
import { alerts, rules } from './rules.js';

const expressions = [
  ...rules().map(({ alert, record, expr }) => ({ where: `rule ${alert ?? record}`, text: expr })),
  ...dashboards().flatMap((dashboard) => expressionsOf(dashboard)),
];
const unknown = (known: KnownSeries, isIts: (metric: string) => boolean) =>
  expressions.flatMap(({ where, text }) =>
    unknownIn(text, known)
      .filter((name) => isIts(name))
      .map((name) => `${where}: ${name}`),
  );
const ofRabbitMq = (name: string) => name.startsWith('rabbitmq_');

describe('rules and dashboards name no series of ours that does not exist', () => {
  test('each metric is one of the services, with labels that it has', () => {
    expect(unknown(ourSeries(), (name) => !ofRabbitMq(name))).toEqual([]);
  });

  test.each([
    ['sum(rate(vice_jobs_finished_total[5m]))', ['vice_jobs_finished_total']],
    ['max by (queue) (vice_queue_pending)', ['vice_queue_pending{queue}']],
    ['vice_workers{kinds="import"} == 0', ['vice_workers{kinds}']],
    ['sum(vice_workers) by (kind) / on (software) vice_workers', ['vice_workers{software}', 'vice_workers{software}']],
    ['histogram_quantile(0.9, sum by (le, route) (rate(http_request_duration_seconds[5m])))', ['http_request_duration_seconds']],
    ['kind:vice_workers:min', ['kind:vice_workers:min']],
  ])('a test of this test: %s', (expression, names) => {
    expect(unknownIn(expression, ourSeries())).toEqual(names);
  });

  test('what a legend or an alert names is a label of the answer', () => {
    const named = [
      ...dashboards().flatMap((dashboard) =>
        expressionsOf(dashboard).map(({ where, text, legend = '' }) => ({
          where,
          text,
          names: legend.matchAll(/\{\{(\w+)\}\}/g),
        })),
      ),
      ...alerts().map(({ alert, expr, annotations }) => ({
        where: alert,
        text: expr,
        names: `${annotations?.summary} ${annotations?.description}`.matchAll(/\$labels\.(\w+)/g),
      })),
    ];
    const known = ourSeries();
    const missing = named.flatMap(({ where, text, names }) => {
      const answered =
        labelsOfAnswer(text) ?? new Set(usesOf(text).flatMap(({ metric }) => [...(known.get(metric) ?? ['job', 'instance'])]));
      return [...names].filter(([, name = '']) => !answered.has(name)).map(([, name]) => `${where}: ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

for (const version of ['3', '4'] as const) {
  await describeWith([rabbitmqOwn(version)], `rules and dashboards name no series that RabbitMQ ${version} does not have`, () => {
    let broker: TestBroker;
    beforeAll(async () => void (broker = await startBroker(version)));
    afterAll(() => broker.stop());

    test('each metric is told by a real broker with our queues, with labels that it has', async () => {
      const known = await seriesOfRabbitMq(broker, RABBITMQ_FAMILIES);
      expect(known.has('rabbitmq_alarms_memory_used_watermark')).toBe(true);
      expect(unknown(known, ofRabbitMq)).toEqual([]);
    });
  });
}
