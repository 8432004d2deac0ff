import { Module, type DynamicModule } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule } from '#libs/observability';
import { CollectionHandler } from './collection.handler.js';
import { InspectionHandler } from './inspection.handler.js';
import { BLOB_STORE } from './tokens.js';

@Module({})
export class StoreWorkerModule {
  static register({ broker, blobs }: { broker: Broker; blobs: BlobStore }): DynamicModule {
    return {
      module: StoreWorkerModule,
      imports: [
        MessagingModule.register({ broker }),
        HealthModule.register({ broker: () => broker.check(), blobs: () => blobs.check() }),
      ],
      controllers: [InspectionHandler, CollectionHandler],
      providers: [{ provide: BLOB_STORE, useValue: blobs }],
    };
  }
}
