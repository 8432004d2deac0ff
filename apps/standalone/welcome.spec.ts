import { expect, test } from '@jest/globals';
import { loadConfig } from '#libs/config';
import { welcome } from './welcome.js';

const greeting = (faults: string[]) => welcome('http://127.0.0.1:8080', loadConfig('standalone', {}), faults);

test('whoever starts it is told what conversions lack here, and how to install it', () => {
  const text = greeting(['mke2fs missing', 'tools run without a sandbox']);
  for (const words of ['mke2fs missing', 'without a sandbox', 'sudo scripts/install-tools.sh']) expect(text).toContain(words);
});

test('whoever starts it reads nothing of conversions where all is well', () => {
  expect(greeting([])).not.toContain('install-tools.sh');
});
