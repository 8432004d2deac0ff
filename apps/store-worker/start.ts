import { BlobLedger, createBlobStore } from '#libs/blobs';
import { startWorker, type Closable, type WorkerDependencies } from '#libs/messaging';
import { StoreWorkerModule } from './store-worker.module.js';

/** Starts a store worker: inspects what came in, converts, and collects garbage. */
export function startStoreWorker(dependencies: WorkerDependencies): Promise<Closable> {
  const { config, broker, logger, metrics } = dependencies;
  return startWorker('store', dependencies, (ask, worker) =>
    StoreWorkerModule.register({
      ...{ config, broker, logger, metrics, ask, worker },
      blobs: createBlobStore(config.blobStore, new BlobLedger(ask), dependencies.logger),
    }),
  );
}
