import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnixSocketPolicy } from './unix-socket.policy.js';

describe('unix sockets that are allowed', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await realpath(await mkdtemp(join(tmpdir(), 'sockets-')));
    await mkdir(join(dir, 'real/sub'), { recursive: true });
    await writeFile(join(dir, 'real/docker.sock'), '');
    await writeFile(join(dir, 'real/sub/docker.sock'), '');
    await writeFile(join(dir, 'secret.sock'), '');
    await symlink('real', join(dir, 'link'));
    await symlink('../secret.sock', join(dir, 'real/way-out.sock'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  const ask = (patterns: string[], path: string) =>
    new UnixSocketPolicy(patterns.map((pattern) => join(dir, pattern))).allowedPath(join(dir, path));

  it('matches exactly, or with * over slashes', async () => {
    await expect(ask(['real/docker.sock'], 'real/docker.sock')).resolves.toBe(join(dir, 'real/docker.sock'));
    await expect(ask(['real/*'], 'real/sub/docker.sock')).resolves.toBe(join(dir, 'real/sub/docker.sock'));
    await expect(new UnixSocketPolicy(['*']).allowedPath(join(dir, 'secret.sock'))).resolves.toBe(join(dir, 'secret.sock'));
  });

  it('goes through links that the pattern itself names', async () => {
    await expect(ask(['link/docker.sock'], 'link/docker.sock')).resolves.toBe(join(dir, 'real/docker.sock'));
    await expect(ask(['link/*'], 'link/docker.sock')).resolves.toBe(join(dir, 'real/docker.sock'));
  });

  it.each([
    ['real/docker.sock', 'real/dockerxsock'],
    ['real/docker.sock', 'real/docker.sock2'],
    ['real/*', 'secret.sock'],
    ['real/*', 'real/../secret.sock'],
    ['real/*', 'real/way-out.sock'],
  ])('%s does not allow %s', async (pattern, path) => {
    await expect(new UnixSocketPolicy([join(dir, pattern)]).allowedPath(`${dir}/${path}`)).rejects.toMatchObject({
      code: 'LOCATION_DENIED',
    });
  });

  it('allows nothing without a pattern', async () => {
    await expect(ask([], 'real/docker.sock')).rejects.toMatchObject({ code: 'LOCATION_DENIED' });
  });
});
