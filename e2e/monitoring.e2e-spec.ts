import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import {
  describeWith,
  postgres,
  prometheus,
  rabbitmqOwn,
  startBroker,
  startPrometheus,
  until,
  type TestBroker,
  type TestPrometheus,
} from '#libs/testing';
import { dashboards, expressionsOf } from '../deploy/test/dashboards.js';
import { RABBITMQ_FAMILIES } from '../deploy/test/known-series.js';
import { yamlFiles } from '../deploy/test/rules.js';
import { SERVICES, startVice, type Vice } from './vice.js';

jest.setTimeout(120_000);

/** What tells of failures shows nothing where nothing failed; nor what tells of imports here, nor of growth on the first day. */
const MAY_BE_EMPTY = /Alerts|[Ff]ail|[Ee]rror|Retries|[Ii]mports|Blob store free|Full in|Growth in a day/;

await describeWith([postgres(), rabbitmqOwn('4'), prometheus()], 'a real Prometheus that scrapes a running system', () => {
  let broker: TestBroker;
  let vice: Vice;
  let watcher: TestPrometheus;

  beforeAll(async () => {
    broker = await startBroker('4');
    // leases that a busy machine keeps: those that lapse would be reported
    vice = await startVice('separate', { amqpUrl: broker.url, env: { VICE_LEASE_SECONDS: '60' } });
    const config = join(vice.dataDir, 'prometheus.yml');
    await writeFile(config, stringify(configuration(vice, broker)));
    watcher = await startPrometheus(config);
    const ada = await vice.newUser();
    await ada.uploadedImage(randomBytes(1024 * 1024), { contenttype: 'disk-raw' });
    await until(async () => only(await watcher.query('sum(increase(vice_jobs_ended_total{outcome="succeeded"}[5m]))')) > 0, {
      what: 'Prometheus has seen a job end',
      timeout: 60_000,
    });
  }, 300_000);
  afterAll(async () => {
    await watcher?.[Symbol.asyncDispose]();
    await vice?.[Symbol.asyncDispose]();
    await broker?.stop();
  }, 120_000);

  test('reaches every service and the broker', async () => {
    const down = await watcher.query('up == 0');
    expect(down).toEqual([]);
    const services = await watcher.query('count by (service) (vice_build_info)');
    expect(services.map(({ labels }) => labels['service']).sort()).toEqual([...SERVICES].sort());
  });

  describe.each(dashboards().map((dashboard) => [dashboard.file, dashboard] as const))('%s', (_, dashboard) => {
    test('every expression is answered, and every panel shows something that has something to show', async () => {
      const expressions = expressionsOf(dashboard, vice.broker?.queuePrefix);
      const emptyPanels = async () => {
        const shown = new Map<string, number>();
        for (const { text, panel } of expressions) {
          const found = await watcher.query(text);
          if (panel) shown.set(panel.title, (shown.get(panel.title) ?? 0) + found.length);
        }
        return [...shown].filter(([title, found]) => found === 0 && !MAY_BE_EMPTY.test(title)).map(([title]) => title);
      };
      // a scrape of a busy machine may leave out what was not answered in time
      let empty: string[] = [];
      await until(async () => (empty = await emptyPanels()).length === 0, { what: 'all are there', timeout: 60_000 }).catch(
        () => undefined,
      );
      expect(empty).toEqual([]);
    });
  });

  test('works out every rule, and has nothing to report of a system that is well', async () => {
    const response = await fetch(`${watcher.url}/api/v1/rules`);
    const { data } = (await response.json()) as { data: { groups: { rules: { name: string; health: string }[] }[] } };
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    const firing = await watcher.query('ALERTS{alertstate="firing", severity!="info"}');
    expect(firing.map(({ labels }) => labels['alertname'])).toEqual([]);
  });

  test('begins to report a registry that is gone', async () => {
    await vice.process('registry').kill('SIGTERM');
    const reported = () => watcher.query('ALERTS{alertname="ViceNoRegistry"}');
    await until(async () => (await reported()).length > 0, { what: 'the alert is there', timeout: 60_000 });
    expect((await watcher.query('ALERTS{alertname="ViceNoGateway"}')).length).toBe(0);
  });
});

/** As deploy/prometheus/prometheus.yml, with the addresses of this system and looks every second. */
function configuration(vice: Vice, { metricsUrl }: TestBroker): object {
  const at = (url: string) => [{ targets: [new URL(url).host] }];
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: yamlFiles('rules'),
    scrape_configs: [
      ...SERVICES.map((service) => ({ job_name: `vice-${service}`, static_configs: at(vice.process(service).url) })),
      { job_name: 'rabbitmq', static_configs: at(metricsUrl) },
      {
        job_name: 'rabbitmq-detailed',
        metrics_path: '/metrics/detailed',
        params: { family: [...RABBITMQ_FAMILIES] },
        static_configs: at(metricsUrl),
      },
    ],
  };
}

function only(samples: readonly { value: number }[]): number {
  return samples[0]?.value ?? 0;
}
