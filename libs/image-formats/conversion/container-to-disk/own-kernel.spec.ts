import { expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { buildTar, type TarMember } from '#libs/testing/images';
import { flatten } from '../../docker-archive/flatten/flatten.js';
import { ownKernel } from './own-kernel.js';

const file = (name: string, content = 'x'): TarMember => ({ name, content });
const symlink = (name: string, linkname: string): TarMember => ({ name, flag: '2', linkname });

const SYSTEM = [file('usr/lib/systemd/systemd'), symlink('lib', 'usr/lib'), symlink('sbin/init', '/lib/systemd/systemd')];
const DEBIAN = [file('boot/vmlinuz-6.1.0-9-amd64', 'kernel'), file('boot/initrd.img-6.1.0-9-amd64', 'initrd')];

test.each<[string, TarMember[], string | null]>([
  ['of Debian', [...SYSTEM, ...DEBIAN], 'boot/vmlinuz-6.1.0-9-amd64'],
  ['of Fedora', [...SYSTEM, file('boot/vmlinuz-6.9.fc40'), file('boot/initramfs-6.9.fc40.img')], 'boot/vmlinuz-6.9.fc40'],
  ['of Alpine', [file('sbin/init'), file('boot/vmlinuz-virt'), file('boot/initramfs-virt')], 'boot/vmlinuz-virt'],
  [
    'the newest of several',
    [...SYSTEM, ...DEBIAN, file('boot/vmlinuz-6.1.0-10-amd64'), file('boot/initrd.img-6.1.0-10-amd64')],
    'boot/vmlinuz-6.1.0-10-amd64',
  ],
  ['the newest that can boot', [...SYSTEM, ...DEBIAN, file('boot/vmlinuz-7')], 'boot/vmlinuz-6.1.0-9-amd64'],
  ['where the files really are', [...SYSTEM, file('k/vmlinuz-1'), file('k/initrd.img-1'), symlink('boot', 'k')], 'k/vmlinuz-1'],
  ['none without an init', DEBIAN, null],
  ['none without an initial RAM filesystem', [...SYSTEM, file('boot/vmlinuz-7')], null],
  ['none that is a link out of the image', [...SYSTEM, symlink('boot/vmlinuz-7', '/dev/sda'), file('boot/initrd.img-7')], null],
  ['none in an ordinary image', [file('bin/sh')], null],
])('a kernel of an image: %s', async (_, members, expected) => {
  const { tree } = await flatten({ layers: [() => Readable.from([buildTar(members)]) as AsyncIterable<Buffer>] });
  expect(ownKernel(tree)?.kernel ?? null).toBe(expected);
});
