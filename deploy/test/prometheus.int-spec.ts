import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { describeWith, projectRoot, prometheus, promtool, tempDir } from '#libs/testing';
import { dashboards, expressionsOf } from './dashboards.js';
import { alerts, anchorsOf, PROMETHEUS_FOLDER, rules, yamlFiles } from './rules.js';

await describeWith([prometheus()], 'Prometheus itself takes', () => {
  test('the rules', async () => {
    await expect(promtool('check', 'rules', ...yamlFiles('rules'))).resolves.toContain('SUCCESS');
  });

  test('what the rules are to say: deploy/prometheus/tests', async () => {
    await expect(promtool('test', 'rules', ...yamlFiles('tests'))).resolves.toContain('SUCCESS');
  });

  test('its configuration', async () => {
    const config = join(PROMETHEUS_FOLDER, 'prometheus.yml');
    if (existsSync(config)) await promtool('check', 'config', '--syntax-only', config);
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
