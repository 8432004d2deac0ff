import { BlobLedger, createBlobStore } from '#libs/blobs';
import { availableToolsets } from '#libs/image-formats';
import { startWorker, type Closable, type WorkerDependencies } from '#libs/messaging';
import { StoreWorkerModule } from './store-worker.module.js';
import { ToolsetReports } from './toolset-reports.js';

/** Starts a store worker: inspects what came in, converts, and collects garbage; it tells the registry with what it can convert. */
export function startStoreWorker(dependencies: WorkerDependencies): Promise<Closable> {
  const { config, broker, logger } = dependencies;
  return startWorker('store', dependencies, (ask) =>
    StoreWorkerModule.register({
      ...{ config, broker, blobs: createBlobStore(config.blobStore, new BlobLedger(ask)) },
      toolsetReports: new ToolsetReports(ask, availableToolsets, logger),
    }),
  );
}
