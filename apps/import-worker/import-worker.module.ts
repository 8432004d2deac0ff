import { Module, type DynamicModule } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule } from '#libs/observability';
import { Providers } from '#libs/providers';
import { SecretBox } from '#libs/secrets';
import { EnvironmentsController } from './environments.controller.js';
import { ImportHandler } from './import.handler.js';
import { BLOB_STORE } from './tokens.js';

export interface ImportWorkerParts {
  config: ViceConfig;
  broker: Broker;
  blobs: BlobStore;
  box: SecretBox;
}

@Module({})
export class ImportWorkerModule {
  static register({ config, broker, blobs, box }: ImportWorkerParts): DynamicModule {
    return {
      module: ImportWorkerModule,
      imports: [
        MessagingModule.register({ broker }),
        HealthModule.register({ broker: () => broker.check(), blobs: () => blobs.check() }),
      ],
      controllers: [ImportHandler, EnvironmentsController],
      providers: [
        { provide: VICE_CONFIG, useValue: config },
        { provide: BLOB_STORE, useValue: blobs },
        { provide: SecretBox, useValue: box },
        { provide: Providers, useValue: new Providers(config) },
      ],
    };
  }
}
