import { expect, test } from '@jest/globals';
import { type Algorithm } from './hash-thread.js';
import { HashThreads } from './hash-threads.js';

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('whoever is at a thread that dies is told, however often they ask; others begin on a new one', async () => {
  const threads = new HashThreads();
  const slot = await threads.slots.take();
  const digester = threads.begin(['no such algorithm' as Algorithm]);
  await expect(digester.update(slot, 1)).rejects.toThrow('Digest method not supported');
  await expect(digester.update(slot, 1)).rejects.toThrow('Digest method not supported');
  await expect(digester.digest()).rejects.toThrow('Digest method not supported');
  digester.drop();
  expect(await threads.begin(['sha256']).digest()).toEqual([EMPTY]);
});
