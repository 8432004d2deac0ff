import { Module, type DynamicModule } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { type ViceConfig } from '#libs/config';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule } from '#libs/observability';
import { Providers } from '#libs/providers';
import { SecretBox } from '#libs/secrets';
import { DeployHandler } from './deploy.handler.js';
import { BLOB_STORE } from './tokens.js';

export interface ExportWorkerParts {
  config: ViceConfig;
  broker: Broker;
  blobs: BlobStore;
  box: SecretBox;
}

@Module({})
export class ExportWorkerModule {
  static register({ config, broker, blobs, box }: ExportWorkerParts): DynamicModule {
    return {
      module: ExportWorkerModule,
      imports: [
        MessagingModule.register({ broker }),
        HealthModule.register({ broker: () => broker.check(), blobs: () => blobs.check() }),
      ],
      controllers: [DeployHandler],
      providers: [
        { provide: BLOB_STORE, useValue: blobs },
        { provide: SecretBox, useValue: box },
        { provide: Providers, useValue: new Providers(config) },
      ],
    };
  }
}
