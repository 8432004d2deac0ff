import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { CONTENT_TYPES, type ContentType } from '#libs/contracts';
import {
  BUILD_CONTEXT,
  buildDockerArchive,
  buildQcow2,
  buildTar,
  buildVdi,
  buildVhd,
  buildVhdx,
  buildVmdk,
  DOCKERFILE,
  inMemory,
  PACKER_HCL,
  PACKER_JSON,
  vmdkDescriptor,
} from '#libs/testing/images';
import { DEFAULT_LIMITS, inspect, recognise, type InspectableBytes } from './index.js';

const bootSector = (size: number) => {
  const disk = Buffer.alloc(size);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
};

const SAMPLES: [string, Buffer | string, ContentType][] = [
  ['a qcow2 disk', buildQcow2(), 'disk-qcow2'],
  ['a VMDK disk', buildVmdk(), 'disk-vmdk'],
  ['a streamed VMDK disk', buildVmdk({ kind: 'streamOptimized' }), 'disk-vmdk'],
  ['a VDI disk', buildVdi(), 'disk-vdi'],
  ['a VHDX disk', buildVhdx(), 'disk-vhdx'],
  ['a VHD disk', buildVhd(), 'disk-vhd'],
  ['a fixed VHD disk, known only by its end', buildVhd({ kind: 'fixed' }), 'disk-vhd'],
  ['an image of Docker 20', buildDockerArchive({ layout: 'docker-20' }), 'docker-image'],
  ['an image of Docker 26', buildDockerArchive({ layout: 'docker-26' }), 'docker-image'],
  ['an image of Docker with containerd', buildDockerArchive({ layout: 'containerd' }), 'docker-image'],
  ['an image in gzip', buildDockerArchive({ gzip: true }), 'docker-image'],
  ['an image with names of its own', buildTar([{ name: 'manifest.json', content: '[]' }]), 'docker-image'],
  ['a Dockerfile', DOCKERFILE, 'docker-file'],
  ['a build context', BUILD_CONTEXT, 'docker-file'],
  ['a build context in gzip', gzipSync(BUILD_CONTEXT), 'docker-file'],
  ['a Packer template in JSON', PACKER_JSON, 'packerfile'],
  ['a Packer template in HCL', PACKER_HCL, 'packerfile'],
  ['a boot sector', bootSector(1024), 'disk-raw'],
  ['zeros', Buffer.alloc(10_000), 'disk-raw'],
  ['one zero', Buffer.alloc(1), 'disk-raw'],
  ['noise', Buffer.from(Array.from({ length: 9000 }, (_, at) => (at * at * 31) % 251)), 'disk-raw'],
  ['a text descriptor of a VMDK', vmdkDescriptor(), 'disk-vmdk'],
  ['text of any kind', 'hello', 'disk-raw'],
];

describe('content of no declared type', () => {
  test.each(SAMPLES)('is recognised: %s', async (_, content, contentType) => {
    expect(await recognise(inMemory(content))).toBe(contentType);
  });

  test.each<[string, Buffer | string, string]>([
    ['nothing', '', 'empty'],
    ['an error page', '<!DOCTYPE html><html><body>404</body></html>', 'a web page'],
    ['a QED disk', 'QED\0', 'QED'],
    ['xz', Buffer.from('fd377a585a0000', 'hex'), 'xz'],
    ['a zip archive', Buffer.from('PK\x03\x04\0'), 'zip'],
    ['an archive of something else', buildTar([{ name: 'x' }]), 'neither manifest.json'],
    ['a disk in gzip', gzipSync(bootSector(4096)), 'not a tar archive'],
  ])('is not taken for a disk where it is %s', async (_, content, message) => {
    await expect(inspect(inMemory(content), undefined)).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
      message: expect.stringContaining(message),
    });
  });
});

describe('declared content', () => {
  test('is never empty', async () => {
    for (const declared of CONTENT_TYPES) {
      await expect(inspect(inMemory(''), declared)).rejects.toMatchObject({
        code: 'CONTENT_INVALID',
        message: 'the content is empty',
      });
    }
  });

  test.each<[ContentType, Buffer | string, string]>([
    ['disk-qcow2', buildVmdk(), 'is not a qcow2 disk; it looks like a VMDK disk'],
    ['disk-qcow2', gzipSync(buildQcow2()), 'is not a qcow2 disk; the content is not a tar archive'],
    ['disk-vmdk', buildQcow2(), 'it looks like a qcow2 disk'],
    ['disk-vmdk', bootSector(1024), 'it looks like a raw disk'],
    ['disk-vhd', bootSector(1024), 'it looks like a raw disk'],
    ['disk-vhdx', buildVhd(), 'it looks like a VHD disk'],
    ['disk-vdi', buildVhdx(), 'it looks like a VHDX disk'],
    ['docker-image', buildQcow2(), 'is not a Docker image archive; it looks like a qcow2 disk'],
    ['docker-image', DOCKERFILE, 'it looks like a Dockerfile'],
    ['docker-image', '<html>502 Bad Gateway</html>', 'a web page'],
    ['docker-file', bootSector(1024), 'it looks like a raw disk'],
    ['packerfile', buildDockerArchive(), 'it looks like a Docker image archive'],
  ])('as %s but of another type is invalid, and told what it looks like', async (declared, content, message) => {
    await expect(inspect(inMemory(content), declared)).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
      message: expect.stringContaining(message),
    });
  });

  test.each(SAMPLES)('as a raw disk may be anything: %s', async (_, content) => {
    const { contentType, facts } = await inspect(inMemory(content), 'disk-raw');
    expect(contentType).toBe('disk-raw');
    expect(facts['virtualSize']).toBe(Buffer.from(content).length);
  });

  test('as a raw disk has its partition table named', async () => {
    const gpt = bootSector(4096);
    gpt.write('EFI PART', 512);
    expect((await inspect(inMemory(gpt), 'disk-raw')).facts).toMatchObject({ partitionTable: 'gpt' });
    expect((await inspect(inMemory(bootSector(4096)), undefined)).facts).toMatchObject({ partitionTable: 'mbr' });
  });
});

describe('an inspection', () => {
  const archive = buildDockerArchive();

  test('stops when it is aborted, with the reason, and closes the stream', async () => {
    const stopping = new AbortController();
    let stream: Readable | undefined;
    const bytes: InspectableBytes = {
      ...inMemory(archive),
      stream: () => {
        stream = new Readable({ read() {} });
        stream.push(archive.subarray(0, 2000));
        setImmediate(() => stopping.abort(new Error('the lease has ended')));
        return stream;
      },
    };
    await expect(inspect(bytes, 'docker-image', DEFAULT_LIMITS, stopping.signal)).rejects.toThrow('the lease has ended');
    expect(stream?.destroyed).toBe(true);
    await expect(
      inspect(inMemory(buildQcow2()), 'disk-qcow2', DEFAULT_LIMITS, AbortSignal.abort(new Error('stop'))),
    ).rejects.toThrow('stop');
  });

  test('closes the stream also when it refuses early', async () => {
    let stream: Readable | undefined;
    const bytes = inMemory(buildTar([{ name: '../evil' }]));
    const watched = { ...bytes, stream: () => (stream = bytes.stream()) };
    await expect(inspect(watched, 'docker-image')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    expect(stream?.destroyed).toBe(true);
  });

  test('passes an error of the store on as it is', async () => {
    const failing = {
      ...inMemory(archive),
      stream: () =>
        new Readable({
          read() {
            this.destroy(new Error('disk on fire'));
          },
        }),
    };
    await expect(inspect(failing, 'docker-image')).rejects.toThrow('disk on fire');
  });
});
