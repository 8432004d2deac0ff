import { Module, type DynamicModule } from '@nestjs/common';
import { watchStore, type BlobStore } from '#libs/blobs';
import { VICE_CONFIG, type ViceConfig } from '#libs/config';
import { type Ask } from '#libs/contracts';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule, MetricsModule, type Logger, type Metrics } from '#libs/observability';
import { availableToolsets } from '#libs/image-formats';
import { CollectionHandler } from './collection.handler.js';
import { ConversionHandler } from './conversion.handler.js';
import { InspectionHandler } from './inspection.handler.js';
import { BLOB_STORE } from './tokens.js';
import { checkTools } from './tools-check.js';
import { ToolsetReports } from './toolset-reports.js';

export interface StoreWorkerParts {
  config: ViceConfig;
  broker: Broker;
  blobs: BlobStore;
  metrics: Metrics;
  ask: Ask;
  /** The name that it claims jobs under. */
  worker: string;
  logger: Logger;
}

@Module({})
export class StoreWorkerModule {
  static register({ config, broker, blobs, metrics, ask, worker, logger }: StoreWorkerParts): DynamicModule {
    watchStore(blobs, metrics);
    return {
      module: StoreWorkerModule,
      imports: [
        MessagingModule.register({ broker }),
        MetricsModule.register(metrics),
        HealthModule.register({ broker: () => broker.check(), blobStore: () => blobs.check(), tools: checkTools }),
      ],
      controllers: [InspectionHandler, ConversionHandler, CollectionHandler],
      providers: [
        { provide: VICE_CONFIG, useValue: config },
        { provide: BLOB_STORE, useValue: blobs },
        { provide: ToolsetReports, useFactory: () => new ToolsetReports(ask, worker, availableToolsets, logger) },
      ],
    };
  }
}
