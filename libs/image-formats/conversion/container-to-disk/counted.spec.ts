import { expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { counted } from './container-to-disk.js';

test('no more files are written than space has been set aside for', async () => {
  const write = (reservedBytes: number) => {
    const tar = Readable.from([Buffer.alloc(1000), Buffer.alloc(1000)]);
    return Readable.from(counted(tar, { signal: new AbortController().signal, reservedBytes }, () => undefined)).toArray();
  };
  expect(await write(2000)).toHaveLength(2);
  await expect(write(1999)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
});
