import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { BlobLedger, createBlobStore } from '#libs/blobs';
import { type ViceConfig } from '#libs/config';
import { CallClient, CallServer, JobServer, type Broker } from '#libs/messaging';
import { ViceNestLogger, type Logger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { ImportWorkerModule } from './import-worker.module.js';

export interface ImportWorkerDependencies {
  config: ViceConfig;
  broker: Broker;
  logger: Logger;
  /** 32 bytes, base64. */
  secretKey: string;
  /** Whether to answer /health on the configured port. */
  listen: boolean;
}

/** Starts an import worker: takes `import` jobs, and answers calls about environments, until it is closed. */
export async function startImportWorker({
  config,
  broker,
  logger,
  secretKey,
  listen,
}: ImportWorkerDependencies): Promise<{ close(): Promise<void> }> {
  const { ask } = new CallClient(broker);
  const blobs = createBlobStore(config.blobStore, new BlobLedger(ask));
  const module = ImportWorkerModule.register({ config, broker, blobs, box: SecretBox.fromKey(secretKey) });
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: new ViceNestLogger(logger),
  });
  const { jobConcurrency: concurrency, shutdownMs } = config;
  app.connectMicroservice({ strategy: new JobServer({ kind: 'import', broker, ask, concurrency, shutdownMs, logger }) });
  app.connectMicroservice({ strategy: new CallServer('import-worker', broker, logger) });
  await app.startAllMicroservices();
  await (listen ? app.listen(config.port, config.host) : app.init());
  return { close: () => app.close() };
}
