import { tempDir } from '#libs/testing';
import { createBlobStore } from '../index.js';
import { blobStoreSuite } from './blob-store.suite.js';

blobStoreSuite('blobs in a folder', async () => {
  const { path, remove } = await tempDir();
  return { open: (ledger) => createBlobStore(`${path}/blobs`, ledger), remove };
});
