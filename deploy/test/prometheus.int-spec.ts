import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { describeWith, projectRoot, prometheus, promtool, tempDir } from '#libs/testing';
import { dashboards, expressionsOf } from './dashboards.js';
import { RABBITMQ_FAMILIES } from './known-series.js';
import { alerts, anchorsOf, PROMETHEUS_FOLDER, rules, yamlFiles } from './rules.js';

await describeWith([prometheus()], 'Prometheus itself takes', () => {
  test('the rules', async () => {
    await expect(promtool('check', 'rules', ...yamlFiles('rules'))).resolves.toContain('SUCCESS');
  });

  test.each(yamlFiles('tests').map((file) => [relative(PROMETHEUS_FOLDER, file), file]))(
    'what the rules are to say: %s',
    async (_, file = '') => {
      await expect(promtool('test', 'rules', file)).resolves.toContain('SUCCESS');
    },
    300_000,
  );

  test('its configuration, which scrapes what rules and dashboards ask for', async () => {
    const file = join(PROMETHEUS_FOLDER, 'prometheus.yml');
    if (!existsSync(file)) return;
    await promtool('check', 'config', file);
    const { rule_files, scrape_configs } = parse(readFileSync(file, 'utf8')) as Configuration;
    expect(rule_files).toEqual(['rules/*.yml']);
    const jobs = scrape_configs.map(({ job_name }) => job_name);
    expect(jobs.filter((name) => name.startsWith('vice'))).not.toEqual([]);
    expect(jobs).toContain('rabbitmq');
    const detailed = scrape_configs.find(({ metrics_path }) => metrics_path === '/metrics/detailed');
    expect(detailed?.job_name).toMatch(/^rabbitmq/);
    expect(detailed?.params?.['family']).toEqual(expect.arrayContaining(RABBITMQ_FAMILIES));
  });

  test('every expression of the dashboards', async () => {
    await using folder = await tempDir();
    const file = join(folder.path, 'expressions.yml');
    const all = dashboards().flatMap((dashboard) => expressionsOf(dashboard));
    const named = all.map(({ text }, i) => ({ record: `expression_${i}`, expr: text }));
    await writeFile(file, stringify({ groups: [{ name: 'dashboards', rules: named }] }));
    expect(await promtool('check', 'rules', file)).toContain(`${all.length} rules found`);
  });
});

describe('every alert', () => {
  const runbooks = anchorsOf(readFileSync(join(projectRoot, 'docs', 'operations.md'), 'utf8'));
  const cases = yamlFiles('tests').map((file) => readFileSync(file, 'utf8'));

  test.each(alerts().map((alert) => [alert.alert, alert] as const))('%s has a severity, words and a runbook', (name, alert) => {
    expect(alert.labels?.severity).toMatch(/^(critical|warning|info)$/);
    expect(alert.annotations?.summary).toBeTruthy();
    expect(alert.annotations?.description).toBeTruthy();
    expect(alert.annotations?.runbook).toBe(`docs/operations.md#${name.toLowerCase()}`);
    expect(runbooks).toContain(name.toLowerCase());
  });

  test.each(alerts().map(({ alert }) => [alert]))('%s has a case in which it fires, and one in which it does not', (name) => {
    const checks = cases.flatMap((text) => text.split('- expr:')).filter((text) => text.includes(`ALERTS{alertname="${name}"`));
    expect(checks.some((text) => text.includes('value: 1'))).toBe(true);
    expect(checks.some((text) => text.includes('exp_samples: []'))).toBe(true);
  });

  test('has a name of its own', () => {
    const names = rules().map(({ alert, record }) => alert ?? record);
    expect(new Set(names).size).toBe(names.length);
  });
});

interface Configuration {
  rule_files: string[];
  scrape_configs: { job_name: string; metrics_path?: string; params?: Record<string, string[]> }[];
}
