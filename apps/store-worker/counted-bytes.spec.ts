import { describe, expect, test } from '@jest/globals';
import { type OpenBlob } from '#libs/blobs';
import { inspect } from '#libs/image-formats';
import { buildDockerArchive, buildQcow2, inMemory } from '#libs/testing/images';
import { CountedBytes } from './counted-bytes.js';

function counted(content: Buffer) {
  let told = 0;
  const blob: OpenBlob = {
    ...inMemory(content),
    digest: 'sha256:0',
    file: async () => '',
    [Symbol.asyncDispose]: async () => undefined,
  };
  const bytes = new CountedBytes(blob, (more) => (told += more));
  return { bytes, done: () => told };
}

describe('counted bytes', () => {
  test('tell of all of a disk once', async () => {
    const content = buildQcow2({ clusters: Array.from({ length: 16 }, () => 'data') });
    const { bytes, done } = counted(content);
    await inspect(bytes, 'disk-qcow2');
    expect(done()).toBe(content.length);
  });

  test('do not take a look at the end for all that is before it', async () => {
    const { bytes, done } = counted(Buffer.alloc(10_000));
    await bytes.read(9_000, 1_000);
    expect(done()).toBe(1_000);
    bytes.countRest();
    expect(done()).toBe(10_000);
  });

  test('count what is streamed twice, or read besides, once', async () => {
    const content = buildDockerArchive();
    const { bytes, done } = counted(content);
    await inspect(bytes, undefined);
    expect(done()).toBeGreaterThan(content.length / 2);
    expect(done()).toBeLessThanOrEqual(content.length);
    for await (const chunk of bytes.stream()) expect(chunk).toBeDefined();
    expect(done()).toBe(content.length);
  });

  test('read into the buffer that is given, where the blob does', async () => {
    const { bytes } = counted(Buffer.from('some bytes'));
    expect((await bytes.read(5, 5, Buffer.alloc(5))).toString()).toBe('bytes');
  });
});
