import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '#libs/testing';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');

describe('what Kubernetes and Docker Compose have in common', () => {
  test('are the alerts: the PrometheusRule is made of deploy/prometheus/rules (npm run k8s:rules)', async () => {
    const made = await promisify(execFile)(process.execPath, [join(projectRoot, 'scripts/kubernetes-rules.mjs'), '--print']);
    expect(read('k8s/components/monitoring/prometheus-rule.yaml')).toBe(made.stdout);
  });

  test.each(['rabbitmq.conf', 'enabled_plugins'])('is %s of the broker: kustomize takes no files from elsewhere', (name) => {
    expect(read(`k8s/overlays/embedded-services/${name}`)).toBe(read(`deploy/rabbitmq/${name}`));
  });
});
