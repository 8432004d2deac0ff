import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '#libs/testing';

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat: string; datasource: { type: string; uid: string } }[];
  fieldConfig?: { defaults: { unit?: string; thresholds?: unknown } };
}

export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  tags: string[];
  schemaVersion: number;
  annotations: { list: { name: string; expr?: string }[] };
  templating: { list: { name: string; type: string; query: string | { query: string }; datasource?: { uid: string } }[] };
  panels: Panel[];
}

/** One expression, and where it stands. */
export interface Expression {
  where: string;
  text: string;
  legend?: string;
  panel?: Panel;
}

const FOLDER = join(projectRoot, 'deploy', 'grafana', 'dashboards');

export function dashboards(): Dashboard[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ ...(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Dashboard), file }));
}

/** All that Grafana would ask Prometheus, with the variables filled in as it does where everything is chosen. */
export function expressionsOf({ file, panels, templating, annotations }: Dashboard, prefix = 'vice'): Expression[] {
  const fill = (text: string) =>
    filledIn(
      text,
      templating.list.map(({ name }) => name),
      prefix,
    );
  const asked = panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ refId, expr, legendFormat }) => ({
      where: `${file}, ${panel.title}, ${refId}`,
      text: fill(expr),
      legend: legendFormat,
      panel,
    })),
  );
  const chosen = templating.list.flatMap((variable) => {
    if (variable.type !== 'query') return [];
    const question = typeof variable.query === 'string' ? variable.query : variable.query.query;
    const [, metric, label] = /^label_values\((.+), (\w+)\)$/.exec(question) ?? [];
    if (!metric) throw new Error(`${file}: the variable ${variable.name} is no label_values(metric, label): ${question}`);
    return [{ where: `${file}, variable ${variable.name}`, text: `count by (${label}) (${metric})` }];
  });
  const noted = annotations.list.flatMap(({ name, expr }) =>
    expr ? [{ where: `${file}, annotation ${name}`, text: fill(expr) }] : [],
  );
  return [...asked, ...chosen, ...noted];
}

function filledIn(expr: string, variables: string[], prefix: string): string {
  const values: Record<string, string> = { __rate_interval: '1m', __range: '6h', __interval: '30s', prefix };
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = values[name] ?? (variables.includes(name) ? '.*' : undefined);
    if (value === undefined) throw new Error(`$${name} is no variable of this dashboard: ${expr}`);
    return value;
  });
}
