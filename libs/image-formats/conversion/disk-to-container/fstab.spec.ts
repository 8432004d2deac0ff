import { describe, expect, test } from '@jest/globals';
import { isMeant, parseFstab } from './fstab.js';
import { type Volume } from './volumes.js';

const FSTAB = `
# <file system> <mount point> <type> <options>
UUID=0A0B /     ext4 errors=remount-ro 0 1
UUID="0A0C"  /home  ext4 defaults
/dev/vda3\t/var/lib/my\\040data//x/ ext4
LABEL=backup /backup ext4 noauto,nofail
tmpfs /tmp tmpfs
proc /proc proc
UUID=0a0d none swap sw
LABEL=music /music ext4 ro,nofail
LABEL=evil /../etc ext4
`;

describe('/etc/fstab', () => {
  test('names what is mounted below the root when the system starts', () => {
    expect(parseFstab(FSTAB)).toEqual([
      { device: 'UUID=0A0C', path: 'home', optional: false },
      { device: '/dev/vda3', path: 'var/lib/my data/x', optional: false },
      { device: 'LABEL=music', path: 'music', optional: true },
    ]);
  });

  const partition = { number: 3, start: 0, size: 0, uuid: '12-34', label: 'data' };
  const superblock = { uuid: '0a0c', label: 'home' };
  const volume = { partition, name: 'partition 3', contents: 'ext', filesystem: { superblock } } as unknown as Volume;

  test.each([
    ['UUID=0A0C', true],
    ['UUID=0a0d', false],
    ['UUID=', false],
    ['LABEL=home', true],
    ['LABEL=Home', false],
    ['PARTUUID=12-34', true],
    ['PARTLABEL=data', true],
    ['/dev/disk/by-uuid/0a0c', true],
    ['/dev/disk/by-label/home', true],
    ['/dev/disk/by-path/home', false],
    ['/dev/sda3', true],
    ['/dev/nvme0n1p3', true],
    ['/dev/vda2', false],
    ['/dev/sdb3', false],
    ['/dev/mapper/home', false],
  ])('means the volume by %s: %s', (device, expected) => {
    expect(isMeant(volume, device)).toBe(expected);
  });
});
