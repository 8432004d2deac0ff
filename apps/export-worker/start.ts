import { BlobLedger, createBlobStore } from '#libs/blobs';
import { startWorker, type Closable, type WorkerDependencies } from '#libs/messaging';
import { SecretBox } from '#libs/secrets';
import { ExportWorkerModule } from './export-worker.module.js';

/** Starts an export worker: puts images into environments and takes them down. */
export function startExportWorker({ secretKey, ...dependencies }: WorkerDependencies & { secretKey: string }): Promise<Closable> {
  const { config, broker, metrics } = dependencies;
  const box = SecretBox.fromKey(secretKey, config.otherSecretKeys);
  return startWorker('export', dependencies, (ask) =>
    ExportWorkerModule.register({
      ...{ config, broker, metrics, box },
      blobs: createBlobStore(config.blobStore, new BlobLedger(ask), dependencies.logger),
    }),
  );
}
