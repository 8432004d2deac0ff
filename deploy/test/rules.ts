import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from '#libs/testing';

export interface Rule {
  file: string;
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
  labels?: { severity?: string };
  annotations?: { summary?: string; description?: string; runbook?: string };
}

export const PROMETHEUS_FOLDER = join(projectRoot, 'deploy', 'prometheus');

/** Absolute paths of the YAML files in a folder below `deploy/prometheus`. */
export function yamlFiles(folder: string): string[] {
  const path = join(PROMETHEUS_FOLDER, folder);
  return readdirSync(path)
    .filter((file) => file.endsWith('.yml'))
    .map((file) => join(path, file));
}

export function rules(): Rule[] {
  return yamlFiles('rules').flatMap((file) => {
    const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] };
    return groups.flatMap((group) => group.rules.map((rule) => ({ ...rule, file })));
  });
}

export function alerts(): (Rule & { alert: string })[] {
  return rules().filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);
}

/** The anchors of the headings of a page, as the sites that show it make them. */
export function anchorsOf(markdown: string): Set<string> {
  return new Set(
    [...markdown.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
