import { Module, type DynamicModule } from '@nestjs/common';
import { watchStore, type BlobStore } from '#libs/blobs';
import { type ViceConfig } from '#libs/config';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule, MetricsModule, type Metrics } from '#libs/observability';
import { Providers } from '#libs/providers';
import { SecretBox } from '#libs/secrets';
import { DeployHandler } from './deploy.handler.js';
import { BLOB_STORE } from './tokens.js';

export interface ExportWorkerParts {
  config: ViceConfig;
  broker: Broker;
  blobs: BlobStore;
  metrics: Metrics;
  box: SecretBox;
}

@Module({})
export class ExportWorkerModule {
  static register({ config, broker, blobs, metrics, box }: ExportWorkerParts): DynamicModule {
    watchStore(blobs, metrics);
    return {
      module: ExportWorkerModule,
      imports: [
        MessagingModule.register({ broker }),
        MetricsModule.register(metrics),
        HealthModule.register({ broker: () => broker.check(), blobStore: () => blobs.check() }),
      ],
      controllers: [DeployHandler],
      providers: [
        { provide: BLOB_STORE, useValue: blobs },
        { provide: SecretBox, useValue: box },
        { provide: Providers, useValue: new Providers(config, metrics) },
      ],
    };
  }
}
