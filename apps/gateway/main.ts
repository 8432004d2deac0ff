import { createBlobStore, BlobLedger } from '#libs/blobs';
import { CallClient, runService } from '#libs/messaging';
import { startGateway } from './start.js';

await runService('gateway', (parts) => {
  const blobs = createBlobStore(parts.config.blobStore, new BlobLedger(new CallClient(parts.broker).ask), parts.logger);
  return startGateway({ ...parts, blobs });
});
