import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type ContentType } from '#libs/contracts';
import { describeWith, tempDir, tool, type TempDir } from '#libs/testing';
import { buildVdi, buildVhd, buildVhdx, inMemory } from '#libs/testing/images';
import { inspectFacts } from '../index.js';
import { crc32cWithout } from '../vhdx/crc32c.js';

const run = promisify(execFile);
const MiB = 2 ** 20;
const SIZE = 20 * MiB;
const DATA = 3_000_320;

await describeWith([tool('qemu-img')], 'VDI, VHD and VHDX disks of qemu-img', () => {
  let dir: TempDir;
  const file = (name: string) => `${dir.path}/${name}`;
  const convert = (format: string, options: string[]) =>
    run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, file('source.raw'), file('disk')]);
  const look = async (type?: ContentType) => inspectFacts(inMemory(await readFile(file('disk'))), type);
  const infoOf = async (format: string) => {
    const { stdout } = await run('qemu-img', ['info', '--output=json', '-f', format, file('disk')]);
    return JSON.parse(stdout) as { 'virtual-size': number };
  };

  beforeAll(async () => {
    dir = await tempDir();
    await writeFile(file('source.raw'), randomFillSync(Buffer.alloc(DATA)));
    await truncate(file('source.raw'), SIZE);
  });
  afterAll(() => dir.remove());

  test.each<[string, string, ContentType, string[], Record<string, unknown>]>([
    ['VDI', 'vdi', 'disk-vdi', [], { imageType: 'dynamic', allocatedSize: 3 * MiB }],
    ['fixed VDI', 'vdi', 'disk-vdi', ['-o', 'static=on'], { imageType: 'fixed', allocatedSize: SIZE }],
    ['VHD', 'vpc', 'disk-vhd', ['-o', 'force_size=on'], { imageType: 'dynamic', creator: 'qem2', blockSize: 2 * MiB }],
    ['fixed VHD', 'vpc', 'disk-vhd', ['-o', 'force_size=on,subformat=fixed'], { imageType: 'fixed', allocatedSize: SIZE }],
    ['VHDX', 'vhdx', 'disk-vhdx', ['-o', 'block_size=1M'], { imageType: 'dynamic', blockSize: MiB, allocatedSize: 3 * MiB }],
    ['fixed VHDX', 'vhdx', 'disk-vhdx', ['-o', 'subformat=fixed'], { imageType: 'fixed' }],
  ])('are recognised, accepted, and refused when cut: %s', async (_, format, type, options, facts) => {
    await convert(format, options);
    expect(await look()).toMatchObject({ contentType: type, facts: { virtualSize: SIZE, ...facts } });
    expect(await infoOf(format)).toMatchObject({ 'virtual-size': SIZE });
    if (format !== 'vpc') await run('qemu-img', ['check', '-f', format, file('disk')]);
    const whole = await readFile(file('disk'));
    const cut = async (length: number) => inspectFacts(inMemory(whole.subarray(0, length)), type);
    for (const length of [600, Math.floor(whole.length * 0.1), Math.floor(whole.length * 0.5)])
      await expect(cut(length)).rejects.toMatchObject({ code: expect.stringMatching(/^CONTENT_(TRUNCATED|INVALID)$/) });
  });

  test('of VHD may be as large as their geometry, which is what qemu-img makes them unless told otherwise', async () => {
    await convert('vpc', []);
    const { facts } = await look('disk-vhd');
    expect(facts['virtualSize']).toBe((await infoOf('vpc'))['virtual-size']);
    expect(facts['virtualSize']).toBeGreaterThan(SIZE);
  });

  test('of VHDX that were left open, with a log, are invalid, and accepted once they are repaired', async () => {
    await convert('vhdx', []);
    const disk = await readFile(file('disk'));
    // The last entry of the log is still there: with its id in the headers it is due, as after a crash.
    const entryId = disk.subarray(MiB + 32, MiB + 48);
    for (const at of [64 * 1024, 128 * 1024]) {
      const header = disk.subarray(at, at + 4096);
      entryId.copy(header, 48);
      header.writeUInt32LE(crc32cWithout(header, 4), 4);
    }
    await writeFile(file('disk'), disk);
    await expect(run('qemu-img', ['info', '-f', 'vhdx', file('disk')])).rejects.toThrow('replay');
    await expect(look('disk-vhdx')).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
      message: expect.stringContaining('not closed properly'),
    });
    await run('qemu-img', ['check', '-r', 'all', '-f', 'vhdx', file('disk')]);
    await expect(look('disk-vhdx')).resolves.toMatchObject({ facts: { virtualSize: SIZE } });
  });

  test.each<[string, string, string]>([
    ['VDI', 'vdi', '200T'],
    ['VHDX', 'vhdx', '60T'],
  ])('of an absurd size, though tiny, are refused: %s', async (_, format, size) => {
    await run('qemu-img', ['create', '-q', '-f', format, file('disk'), size]);
    await expect(look()).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining('limit here') });
  });

  test('that qemu-img finds damaged, are not accepted', async () => {
    const damaged: [string, ContentType, Buffer][] = [
      ['vdi', 'disk-vdi', buildVdi({ edit: ({ map }) => map.fill(0, 0, 16) })],
      ['vdi', 'disk-vdi', buildVdi({ edit: ({ map }) => map.writeUInt32LE(9, 0) })],
      ['vhdx', 'disk-vhdx', buildVhdx({ edit: ({ blockTable }) => blockTable.writeBigUInt64LE((1n << 40n) | 6n, 0) })],
    ];
    for (const [format, type, disk] of damaged) {
      await writeFile(file('disk'), disk);
      await expect(run('qemu-img', ['check', '-f', format, file('disk')])).rejects.toThrow();
      await expect(look(type)).rejects.toMatchObject({ code: expect.stringMatching(/^CONTENT_(TRUNCATED|INVALID)$/) });
    }
  });

  test('of the fixed VHD kind are what tells them from a raw disk, their end; qemu-img would not see it', async () => {
    await writeFile(file('disk'), buildVhd({ kind: 'fixed', virtualSize: MiB }));
    const { stdout } = await run('qemu-img', ['info', file('disk')]);
    expect(stdout).toContain('file format: raw');
    expect(await look()).toMatchObject({ contentType: 'disk-vhd', facts: { virtualSize: MiB } });
  });
});
