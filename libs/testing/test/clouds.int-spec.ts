import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { expect, test } from '@jest/globals';
import { describeWith, nova, openstack, startCloud, until, type TestCloud } from '../index.js';

await describeWith([openstack()], 'an OpenStack', () => {
  test('takes an image through two projects, and keeps them over a halt and a kill', async () => {
    await using cloud = await startCloud();
    const { vice, other } = cloud.projects;
    const bytes = randomBytes(3_000_000);
    const sha512 = createHash('sha512').update(bytes).digest('hex');

    const image = await cloud.createImage(vice, {
      name: 'mine',
      diskFormat: 'qcow2',
      bytes,
      properties: { os_distro: 'debian' },
    });
    expect(image).toMatchObject({ status: 'active', size: bytes.length, disk_format: 'qcow2', container_format: 'bare' });
    expect(image).toMatchObject({ os_hash_algo: 'sha512', os_hash_value: sha512, os_distro: 'debian' });
    expect(await cloud.images(other)).toEqual([]);
    await expect(cloud.download(other, image.id)).rejects.toThrow('404');

    const copy = await cloud.createImage(other, { name: 'theirs', bytes: await cloud.download(vice, image.id) });
    expect(copy.os_hash_value).toBe(image.os_hash_value);
    expect(await cloud.images(other)).toEqual([copy]);

    await cloud.halt();
    expect(leftovers(cloud)).toEqual([]);
    await cloud.start();
    expect(await cloud.images(vice)).toEqual([image]);
    await cloud.kill();
    expect(leftovers(cloud)).toEqual([]);
    await expect(cloud.images(vice)).rejects.toThrow('ECONNREFUSED');
    await cloud.start();
    expect(await cloud.images(vice)).toEqual([image]);
    expect((await cloud.download(other, copy.id)).equals(bytes)).toBe(true);
  });

  test('lets a user make an application credential, and log in with it', async () => {
    await using cloud = await startCloud();
    const { vice } = cloud.projects;
    const { user } = await logIn(cloud, { identity: passwordOf(vice) });
    const answer = await cloud.api(vice, 'identity', 'POST', `/users/${user.id}/application_credentials`, {
      json: { application_credential: { name: 'for the registry' } },
    });
    const { id, secret } = answer.json<{ application_credential: { id: string; secret: string } }>().application_credential;
    const identity = { methods: ['application_credential'], application_credential: { id, secret } };
    expect((await logIn(cloud, { identity })).project.name).toBe('vice');
  });

  test('keeps the limits that it is given, beside a second cloud', async () => {
    await using small = await startCloud({ imageSizeCap: 1_000, glanceMode: 'eventlet', tokenTtl: 10 });
    await using limited = await startCloud({ userQuota: 1_000 });
    for (const cloud of [small, limited]) {
      const { vice } = cloud.projects;
      await expect(cloud.createImage(vice, { name: 'large', bytes: Buffer.alloc(2_000) })).rejects.toThrow('413');
      expect(await cloud.createImage(vice, { name: 'right', bytes: Buffer.alloc(500) })).toMatchObject({ size: 500 });
    }
    const { token } = await logIn(small, { identity: passwordOf(small.projects.vice) });
    const ended = async () =>
      (await fetch(`${small.glanceUrl}/v2/images`, { headers: { 'x-auth-token': token } })).status === 401;
    expect(await ended()).toBe(false);
    await until(ended, { what: 'the token has ended', timeout: 20_000, interval: 500 });
    expect(await small.images(small.projects.vice)).toHaveLength(2);
  });

  test('speaks TLS', async () => {
    await using cloud = await startCloud({ tls: true });
    const { vice } = cloud.projects;
    expect(cloud.authUrl).toMatch(/^https:/);
    const bytes = randomBytes(3_000_000);
    const { id } = await cloud.createImage(vice, { name: 'sealed', bytes });
    expect((await cloud.download(vice, id)).equals(bytes)).toBe(true);
    for (const url of [cloud.authUrl, cloud.glanceUrl]) {
      expect(await handshake(url, cloud.ca ?? undefined)).toBe('trusted');
      expect(await handshake(url, undefined)).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
    }
  });
});

await describeWith([nova()], 'an OpenStack with Nova', () => {
  test('boots a guest and makes a snapshot of it, also after a kill, and leaves nothing', async () => {
    await using cloud = await startCloud();
    const { vice } = cloud.projects;
    const image = await cloud.createImage(vice, { name: 'disk', bytes: Buffer.alloc(16 * 2 ** 20) });
    await expect(cloud.bootServer(vice, image.id)).rejects.toThrow('no compute service');

    await cloud.addNova();
    const server = await cloud.bootServer(vice, image.id);
    const snapshot = await cloud.snapshot(vice, server.id, 'snapshot');
    expect(snapshot).toMatchObject({ disk_format: 'qcow2', image_type: 'snapshot', base_image_ref: image.id });
    const bytes = await cloud.download(vice, snapshot.id);
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('QFI\xfb');

    await cloud.kill();
    expect(leftovers(cloud)).toEqual([]);
    await cloud.start();
    const again = await cloud.bootServer(vice, snapshot.id, 'again');
    expect(await cloud.snapshot(vice, again.id, 'second')).toMatchObject({ image_type: 'snapshot' });
    await cloud.halt();
    expect(leftovers(cloud)).toEqual([]);
  }, 300_000);
});

interface Login {
  token: string;
  user: { id: string };
  project: { name: string };
}

function passwordOf({ username, password, domain }: TestCloud['projects']['vice']) {
  return { methods: ['password'], password: { user: { name: username, password, domain: { name: domain } } } };
}

async function logIn(cloud: TestCloud, auth: { identity: object }): Promise<Login> {
  const answer = await fetch(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  expect(answer.status).toBe(201);
  const { token } = (await answer.json()) as { token: Omit<Login, 'token'> };
  return { token: answer.headers.get('x-subject-token') ?? '', ...token };
}

function handshake(url: string, ca: string | undefined): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), ca }, () => {
      socket.destroy();
      resolve('trusted');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Processes and mounts that name the cloud's folder, except the one that waits for this process's end. */
function leftovers({ folder }: TestCloud): string[] {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readOrNothing(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
    .filter((command) => command.includes(folder) && !command.includes(' owner '));
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return [...processes, ...mounts.filter((mount) => mount.includes(folder))];
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
