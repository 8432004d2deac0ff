#!/usr/bin/env node
/**
 * npm run k8s:rules: writes k8s/components/monitoring/prometheus-rule.yaml, the alerts and recording rules of deploy/prometheus/rules as the resource that the
 * Prometheus Operator takes. It is checked in; a test fails when it is not up to date.
 *
 *   node scripts/kubernetes-rules.mjs [--print]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const rules = join(root, 'deploy/prometheus/rules');
const file = join(root, 'k8s/components/monitoring/prometheus-rule.yaml');

const groups = readdirSync(rules)
  .filter((name) => name.endsWith('.yml'))
  .sort()
  .flatMap((name) => parse(readFileSync(join(rules, name), 'utf8')).groups);
const resource = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'vice', labels: { 'app.kubernetes.io/part-of': 'vice' } },
  spec: { groups },
};
const text = `# Written by \`npm run k8s:rules\` from deploy/prometheus/rules: change those.\n${stringify(resource, { lineWidth: 0 })}`;
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(file, text);
