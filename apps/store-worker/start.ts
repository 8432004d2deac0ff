import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { BlobLedger, createBlobStore } from '#libs/blobs';
import { type ViceConfig } from '#libs/config';
import { CallClient, JobServer, type Broker } from '#libs/messaging';
import { ViceNestLogger, type Logger } from '#libs/observability';
import { StoreWorkerModule } from './store-worker.module.js';

export interface StoreWorkerDependencies {
  config: ViceConfig;
  broker: Broker;
  logger: Logger;
  /** Whether to answer /health on the configured port. */
  listen: boolean;
}

/** Starts a store worker: takes `store` jobs until it is closed. */
export async function startStoreWorker({
  config,
  broker,
  logger,
  listen,
}: StoreWorkerDependencies): Promise<{ close(): Promise<void> }> {
  const { ask } = new CallClient(broker);
  const blobs = createBlobStore(config.blobStore, new BlobLedger(ask));
  const module = StoreWorkerModule.register({ broker, blobs });
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: new ViceNestLogger(logger),
  });
  const { jobConcurrency: concurrency, shutdownMs } = config;
  app.connectMicroservice({ strategy: new JobServer({ kind: 'store', broker, ask, concurrency, shutdownMs, logger }) });
  await app.startAllMicroservices();
  await (listen ? app.listen(config.port, config.host) : app.init());
  return { close: () => app.close() };
}
