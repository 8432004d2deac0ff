import { describe, expect, test } from '@jest/globals';
import { type Json, type JsonObject } from '#libs/contracts';
import { recordedConfig } from './container-config.js';
import { type LinuxTree } from './linux-tree.js';

const read = async (more: JsonObject) => {
  const record = { version: 1, os: 'linux', architecture: 'amd64', config: {}, ...more };
  const tree = { readFile: () => Promise.resolve(Buffer.from(JSON.stringify(record))) } as unknown as LinuxTree;
  const lines: string[] = [];
  return { config: await recordedConfig(tree, (line) => void lines.push(line)), lines };
};

describe('the record of a container', () => {
  test('is taken as it is where engines would', async () => {
    const record: JsonObject = {
      ...{ variant: 'v8', author: '', created: '2024-02-29T23:59:59.123456789+05:30' },
      config: {
        ...{ User: '1', Cmd: ['sh'], Entrypoint: null, Env: [], Tty: false, StopTimeout: 3, Labels: { a: 'b' }, Unknown: 1 },
        ...{ ExposedPorts: { '80/tcp': {}, '81/tcp': null }, Volumes: null, Healthcheck: { Test: ['NONE'], Interval: 1e9 } },
      },
    };
    expect(await read(record)).toEqual({ config: { os: 'linux', architecture: 'amd64', ...record }, lines: [] });
  });

  test.each<[string, Json]>([
    ['User', 1],
    ['WorkingDir', ['/']],
    ['Env', 'A=b'],
    ['Env', { A: 'b' }],
    ['Cmd', 'sh -c x'],
    ['Entrypoint', ['sh', 1]],
    ['Labels', { a: 1 }],
    ['Labels', ['a']],
    ['ExposedPorts', { '80/tcp': 'x' }],
    ['Volumes', ['/data']],
    ['Tty', 'yes'],
    ['StopTimeout', 1.5],
    ['Healthcheck', { Test: 'true' }],
  ])('cannot be used with a wrong type in its config: %s %j', async (key, value) => {
    const { config, lines } = await read({ config: { [key]: value } });
    expect(config).toBeUndefined();
    expect(lines).toEqual([expect.stringContaining(`ordinary configuration: ${key} in its config is not of the type`)]);
  });

  test.each<[string, Json]>([
    ['created', 'yesterday'],
    ['created', '2024-01-01'],
    ['created', '2023-02-29T00:00:00Z'],
    ['created', '2024-01-01T24:00:00Z'],
    ['created', '2024-01-01T00:00:00'],
    ['created', '2024-01-01T00:00:00Z\n'],
    ['created', 5],
    ['author', {}],
    ['variant', 8],
  ])('cannot be used with a wrong field: %s %j', async (key, value) => {
    const { config, lines } = await read({ [key]: value });
    expect(config).toBeUndefined();
    expect(lines).toEqual([expect.stringContaining(`ordinary configuration: ${key} in it is not`)]);
  });
});
