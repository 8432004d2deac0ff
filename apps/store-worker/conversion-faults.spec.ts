import { expect, test } from '@jest/globals';
import { conversionFaults, type ConversionMeans } from './conversion-faults.js';

const ALL_WELL: ConversionMeans = { missing: [], missingSandbox: [], isSandboxed: true };

test.each<[string, Partial<ConversionMeans>, string[]]>([
  ['nothing', {}, []],
  ['a tool', { missing: ['mke2fs', '/vmlinuz'] }, ['not everything can be converted: mke2fs, /vmlinuz missing']],
  ['the sandbox', { missingSandbox: ['bwrap'], isSandboxed: false }, ['without a sandbox: bwrap missing']],
  ['leave to make a sandbox', { isSandboxed: false }, ['may not make namespaces']],
  [
    'all of it',
    { missing: ['qemu-img'], missingSandbox: ['bwrap'], isSandboxed: false },
    ['qemu-img missing', 'without a sandbox: bwrap missing'],
  ],
])('a machine that lacks %s says so, and names the script that installs it', (_, lacks, words) => {
  const faults = conversionFaults({ ...ALL_WELL, ...lacks });
  expect(faults).toEqual(words.map((word) => expect.stringContaining(word)));
  for (const fault of faults) expect(fault).toContain('scripts/install-tools.sh');
});
