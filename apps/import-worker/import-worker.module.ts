import { Module, type DynamicModule } from '@nestjs/common';
import { watchStore, type BlobStore } from '#libs/blobs';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule, MetricsModule, type Metrics } from '#libs/observability';
import { Providers } from '#libs/providers';
import { SecretBox } from '#libs/secrets';
import { EnvironmentsController } from './environments.controller.js';
import { ImportHandler } from './import.handler.js';
import { BLOB_STORE } from './tokens.js';

export interface ImportWorkerParts {
  config: ViceConfig;
  broker: Broker;
  blobs: BlobStore;
  metrics: Metrics;
  box: SecretBox;
}

@Module({})
export class ImportWorkerModule {
  static register({ config, broker, blobs, metrics, box }: ImportWorkerParts): DynamicModule {
    watchStore(blobs, metrics);
    return {
      module: ImportWorkerModule,
      imports: [
        MessagingModule.register({ broker }),
        MetricsModule.register(metrics),
        HealthModule.register({ broker: () => broker.check(), blobStore: () => blobs.check() }),
      ],
      controllers: [ImportHandler, EnvironmentsController],
      providers: [
        { provide: VICE_CONFIG, useValue: config },
        { provide: BLOB_STORE, useValue: blobs },
        { provide: SecretBox, useValue: box },
        { provide: Providers, useValue: new Providers(config, metrics) },
      ],
    };
  }
}
