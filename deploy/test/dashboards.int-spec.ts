import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '#libs/testing';
import { dashboards } from './dashboards.js';
import { anchorsOf } from './rules.js';

const runbooks = anchorsOf(readFileSync(join(projectRoot, 'docs', 'operations.md'), 'utf8'));
const WIDTH = 24;

test('each dashboard has an id and a title of its own', () => {
  const all = dashboards();
  expect(all.length).toBeGreaterThan(0);
  for (const key of ['uid', 'title'] as const) expect(new Set(all.map((dashboard) => dashboard[key])).size).toBe(all.length);
});

describe.each(dashboards().map((dashboard) => [dashboard.file, dashboard] as const))('%s', (_, dashboard) => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  test('is of a version that Grafana 10 and 11 read, and is found by its tag', () => {
    expect(dashboard.schemaVersion).toBe(39);
    expect(dashboard.uid).toMatch(/^[a-z0-9-]{1,40}$/);
    expect(dashboard.tags).toContain('vice');
  });

  test('asks the data source that its reader chose', () => {
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const asked = panels.flatMap(({ datasource, targets = [] }) => [datasource, ...targets.map((target) => target.datasource)]);
    const chosen = dashboard.templating.list.flatMap(({ type, datasource }) => (type === 'query' ? [datasource] : []));
    expect(new Set([...asked, ...chosen].map((source) => source?.uid))).toEqual(new Set(['${datasource}']));
  });

  test('every panel has an id, a title, words for who looks at it, a unit and something to ask', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, description, targets = [], fieldConfig } of panels) {
      expect([title, description?.length, targets.length, fieldConfig?.defaults.unit]).toEqual([
        expect.stringMatching(/\w/),
        expect.any(Number),
        expect.any(Number),
        expect.stringMatching(/^\w+$/),
      ]);
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });

  test('no panel lies on another, or beside the page', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(WIDTH);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`) ?? title).toBe(title);
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  test('what its words send the reader to is there', () => {
    const named = panels.flatMap(({ description = '' }) => [...description.matchAll(/docs\/([\w-]+\.md)#([\w-]+)/g)]);
    expect(named.length).toBeGreaterThan(0);
    for (const [, page = '', anchor] of named) {
      expect(existsSync(join(projectRoot, 'docs', page))).toBe(true);
      expect(runbooks).toContain(anchor);
    }
  });
});
