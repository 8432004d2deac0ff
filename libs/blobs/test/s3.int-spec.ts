import { join } from 'node:path';
import { afterAll, beforeAll, jest } from '@jest/globals';
import { describeWith, objectStore, startObjectStore, tempDir, type TestObjectStore } from '#libs/testing';
import { createBlobStore } from '../index.js';
import { blobStoreSuite, type StorePlace } from './blob-store.suite.js';
import { bucketOf } from './bucket-of.js';
import { workspaceSuite } from './workspace.suite.js';

jest.setTimeout(120_000);

await describeWith([objectStore()], 'with a real S3 API', () => {
  let server: TestObjectStore;

  beforeAll(async () => {
    server = await startObjectStore();
    await server.makeBucket('blobs');
  });
  afterAll(() => server.stop());

  const makePlace = async (): Promise<StorePlace> => {
    const { path, remove } = await tempDir();
    const config = bucketOf(server, join(path, 'scratch'));
    return { open: (ledger) => createBlobStore(config, ledger), remove };
  };

  blobStoreSuite('blobs in S3', makePlace);
  workspaceSuite('a workspace beside S3', makePlace);
});
