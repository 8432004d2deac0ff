import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { TOOLSETS } from '#libs/contracts';
import { NEEDS } from '../conversion/container-to-disk/needs.js';
import { findProgram } from './programs.js';
import { availableToolsets } from './toolsets.js';

test('every toolset says what it lacks, nothing where it is complete', async () => {
  const found = await availableToolsets();
  expect(found.map(({ toolset }) => toolset)).toEqual(TOOLSETS);
  for (const { missing } of found) expect(missing).toEqual(missing.filter((part) => /^(\/|[a-z])/.test(part)));
});

test('scripts/install-tools.sh installs the packages that bring them', async () => {
  const script = await readFile('scripts/install-tools.sh', 'utf8');
  const packages = /PACKAGES=\(([^)]*)\)/.exec(script)?.[1]?.split(/\s+/) ?? [];
  expect(packages).toEqual(expect.arrayContaining([...NEEDS.packages, 'bubblewrap']));
});

test('a program is looked for where the system keeps its own, and nowhere else', async () => {
  expect(await findProgram('sh')).toMatch(/^\/(usr\/)?bin\/sh$/);
  expect(await findProgram('no-such-program')).toBeNull();
  expect(await findProgram('/bin/sh')).toBe('/bin/sh');
});
