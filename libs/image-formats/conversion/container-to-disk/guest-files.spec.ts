import { expect, test } from '@jest/globals';
import { type ContainerRecord } from '../container-record.js';
import { guestFiles } from './guest-files.js';

test('the record of a container is written without spaces', async () => {
  const record: ContainerRecord = { version: 1, os: 'linux', architecture: 'amd64', config: { Cmd: ['sh', '-c', 'a b'] } };
  const files = Buffer.concat(await guestFiles(record, true)).toString();
  expect(files).toContain('{"version":1,"os":"linux","architecture":"amd64","config":{"Cmd":["sh","-c","a b"]}}\n');
});
