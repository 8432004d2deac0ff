import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, jest } from '@jest/globals';
import { loadConfig, type S3StoreConfig } from '#libs/config';
import { describeWith, objectStore, startObjectStore, tempDir, type TestObjectStore } from '#libs/testing';
import { createBlobStore } from '../index.js';
import { blobStoreSuite, type StorePlace } from './blob-store.suite.js';
import { workspaceSuite } from './workspace.suite.js';

jest.setTimeout(120_000);

await describeWith([objectStore()], 'with a real S3 API', () => {
  let server: TestObjectStore;

  beforeAll(async () => {
    server = await startObjectStore();
    await server.makeBucket('blobs');
  });
  afterAll(() => server.stop());

  const configured = (scratch: string, settings: Partial<S3StoreConfig> = {}): S3StoreConfig => {
    const config = loadConfig('standalone', {
      VICE_BLOB_STORE: `s3://blobs/${randomUUID()}?endpoint=${server.endpoint}&pathStyle=true`,
      VICE_S3_ACCESS_KEY_ID: server.accessKeyId,
      VICE_S3_SECRET_ACCESS_KEY: server.secretAccessKey,
    });
    return { ...(config.blobStore as S3StoreConfig), scratch, ...settings };
  };

  const makePlace = async (): Promise<StorePlace> => {
    const { path, remove } = await tempDir();
    const config = configured(join(path, 'scratch'));
    return { open: (ledger) => createBlobStore(config, ledger), remove };
  };

  blobStoreSuite('blobs in S3', makePlace);
  workspaceSuite('a workspace beside S3', makePlace);
});
