import { BlobLedger, createBlobStore } from '#libs/blobs';
import { CallServer, startWorker, type Closable, type WorkerDependencies } from '#libs/messaging';
import { SecretBox } from '#libs/secrets';
import { ImportWorkerModule } from './import-worker.module.js';

/** Starts an import worker: takes `import` jobs, and answers calls about environments beside them. */
export function startImportWorker({ secretKey, ...dependencies }: WorkerDependencies & { secretKey: string }): Promise<Closable> {
  const { config, broker, logger, metrics } = dependencies;
  const box = SecretBox.fromKey(secretKey, config.otherSecretKeys);
  const calls = new CallServer('import-worker', broker, logger);
  return startWorker(
    'import',
    dependencies,
    (ask) =>
      ImportWorkerModule.register({
        ...{ config, broker, metrics, box },
        blobs: createBlobStore(config.blobStore, new BlobLedger(ask), dependencies.logger),
      }),
    [calls],
  );
}
