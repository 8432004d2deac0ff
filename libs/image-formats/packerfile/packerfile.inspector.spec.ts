import { describe, expect, test } from '@jest/globals';
import { inMemory, PACKER_HCL, PACKER_JSON } from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';

const look = (text: string) => inspectFacts(inMemory(text), 'packerfile');

describe('a Packer template', () => {
  test.each<[string, string, unknown]>([
    ['the classic JSON', PACKER_JSON, { syntax: 'json', builders: ['qemu', 'docker'] }],
    ['HCL', PACKER_HCL, { syntax: 'hcl', builders: ['qemu'] }],
    ['HCL as JSON', '{"source":{"docker":{"a":{}}},"build":{}}', { syntax: 'json', builders: ['docker'] }],
  ])('in %s is described', async (_, text, facts) => {
    expect(await look(text)).toEqual({ contentType: 'packerfile', facts });
  });

  test.each([
    PACKER_JSON.slice(0, -1),
    '{"builders":[]}',
    '{"builders":[{}]}',
    '{"name":"x"}',
    'variable "x" {}',
    'FROM debian',
    'build { ] }',
    '}',
    ''.padEnd(10),
  ])('that reads %j is invalid', async (text) => {
    await expect(look(text)).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  test('cut within a block, a string, a comment or a heredoc is truncated', async () => {
    for (const text of [PACKER_HCL.slice(0, -3), 'build { x = "${a', 'build { /* ', 'build { x = <<EOF\n y\n EO', 'build {']) {
      await expect(look(text)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
    }
  });

  test('of more than 1 MiB is refused', async () => {
    await expect(look(`build {\n${'# x\n'.repeat(2 ** 18)}}`)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });
});
