import { Module, type DynamicModule } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { VICE_CONFIG, type ViceConfig } from '#libs/config';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule, MetricsModule, type HealthChecks, type Logger, type Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { DeploymentsController } from './deployments/deployments.controller.js';
import { EnvironmentsController } from './environments/environments.controller.js';
import { EventStreams } from './events/event-streams.service.js';
import { EventsController } from './events/events.controller.js';
import { DownloadService } from './image-files/download.service.js';
import { ImageFilesController } from './image-files/image-files.controller.js';
import { UploadService } from './image-files/upload.service.js';
import { ImagesController } from './images/images.controller.js';
import { Authenticator } from './login/authenticator.js';
import { RuntimeStatsController } from './runtime-stats/runtime-stats.controller.js';
import { BLOB_STORE, LOGGER } from './tokens.js';
import { UsersController } from './users/users.controller.js';

export interface GatewayParts {
  config: ViceConfig;
  broker: Broker;
  blobs: BlobStore;
  box: SecretBox;
  logger: Logger;
  metrics: Metrics;
  checks: HealthChecks;
}

@Module({})
export class GatewayModule {
  static register({ config, broker, blobs, box, logger, metrics, checks }: GatewayParts): DynamicModule {
    return {
      module: GatewayModule,
      imports: [MessagingModule.register({ broker }), MetricsModule.register(metrics), HealthModule.register(checks)],
      controllers: [
        UsersController,
        EnvironmentsController,
        ImagesController,
        ImageFilesController,
        DeploymentsController,
        RuntimeStatsController,
        EventsController,
      ],
      providers: [
        Authenticator,
        UploadService,
        DownloadService,
        EventStreams,
        { provide: VICE_CONFIG, useValue: config },
        { provide: BLOB_STORE, useValue: blobs },
        { provide: SecretBox, useValue: box },
        { provide: LOGGER, useValue: logger },
      ],
    };
  }
}
