import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { MessagingModule, type Broker } from '#libs/messaging';
import { HealthModule, MetricsModule, type Logger, type Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { BlobsController } from './blobs/blobs.controller.js';
import { BlobLedgerService } from './blobs/blob-ledger.service.js';
import { PlansService } from './conversions/plans.service.js';
import { ToolsController } from './conversions/tools.controller.js';
import { ToolsetsService } from './conversions/toolsets.service.js';
import { Database } from './database/index.js';
import { DeploymentChanges } from './deployments/deployment-changes.service.js';
import { DeploymentsController } from './deployments/deployments.controller.js';
import { DeploymentsService } from './deployments/deployments.service.js';
import { EnvironmentDeletionService } from './environments/environment-deletion.service.js';
import { EnvironmentsController } from './environments/environments.controller.js';
import { EnvironmentsService } from './environments/environments.service.js';
import { EventsController } from './events/events.controller.js';
import { EventsService } from './events/events.service.js';
import { ImageChanges } from './images/image-changes.service.js';
import { ImageContentService } from './images/image-content.service.js';
import { ImageGenerations } from './images/image-generations.service.js';
import { ImageListService } from './images/image-list.service.js';
import { ImageOriginService } from './images/image-origin.service.js';
import { ImageTransfersService } from './images/image-transfers.service.js';
import { ImageVariantsService } from './images/image-variants.service.js';
import { ImagesController } from './images/images.controller.js';
import { ImagesService } from './images/images.service.js';
import { ClaimsService } from './jobs/claims.service.js';
import { EndingsService } from './jobs/endings.service.js';
import { ConvertEnding } from './jobs/endings/convert.ending.js';
import { DeployEnding } from './jobs/endings/deploy.ending.js';
import { ImportEnding } from './jobs/endings/import.ending.js';
import { InspectionEnding } from './jobs/endings/inspection.ending.js';
import { RemovalEnding } from './jobs/endings/removal.ending.js';
import { HeartbeatsService } from './jobs/heartbeats.service.js';
import { JobOutbox } from './jobs/job-outbox.js';
import { JobsController } from './jobs/jobs.controller.js';
import { JobsService } from './jobs/jobs.service.js';
import { KnownResults } from './jobs/known-results.service.js';
import { PayloadsService } from './jobs/payloads.service.js';
import { ProgressService } from './jobs/progress.service.js';
import { RelayService } from './jobs/relay.service.js';
import { ReportsService } from './jobs/reports.service.js';
import { UpkeepService } from './jobs/upkeep.service.js';
import { StatsController } from './stats/stats.controller.js';
import { ScrapedFigures } from './stats/scraped-figures.js';
import { StatsService } from './stats/stats.service.js';
import { LOGGER } from './tokens.js';
import { PasswordsService } from './users/passwords.service.js';
import { SecretKeyService } from './users/secret-key.service.js';
import { UsersController } from './users/users.controller.js';
import { UsersService } from './users/users.service.js';

const JOBS: Provider[] = [
  JobOutbox,
  JobsService,
  ClaimsService,
  HeartbeatsService,
  ReportsService,
  PayloadsService,
  ProgressService,
  KnownResults,
  EndingsService,
  ImportEnding,
  InspectionEnding,
  ConvertEnding,
  DeployEnding,
  RemovalEnding,
  RelayService,
  UpkeepService,
];

const IMAGES: Provider[] = [
  ImagesService,
  ImageListService,
  ImageTransfersService,
  ImageVariantsService,
  ImageGenerations,
  ImageOriginService,
  ImageChanges,
  ImageContentService,
];

export interface RegistryParts {
  config: ViceConfig;
  broker: Broker;
  /** Migrated; its connections are closed with the application. */
  database: Database;
  box: SecretBox;
  logger: Logger;
  metrics: Metrics;
}

@Module({})
export class RegistryModule {
  static register({ config, broker, database, box, logger, metrics }: RegistryParts): DynamicModule {
    const { source } = database;
    return {
      module: RegistryModule,
      imports: [
        TypeOrmModule.forRootAsync({ useFactory: () => source.options, dataSourceFactory: async () => source }),
        MessagingModule.register({ broker }),
        MetricsModule.register(metrics),
        HealthModule.register({ database: () => database.check(), broker: () => broker.check() }),
      ],
      controllers: [
        UsersController,
        EnvironmentsController,
        ImagesController,
        DeploymentsController,
        JobsController,
        ToolsController,
        BlobsController,
        EventsController,
        StatsController,
      ],
      providers: [
        { provide: VICE_CONFIG, useValue: config },
        { provide: LOGGER, useValue: logger },
        { provide: Database, useValue: database },
        { provide: SecretBox, useValue: box },
        UsersService,
        PasswordsService,
        SecretKeyService,
        EnvironmentsService,
        EnvironmentDeletionService,
        ...IMAGES,
        DeploymentsService,
        DeploymentChanges,
        PlansService,
        ToolsetsService,
        BlobLedgerService,
        EventsService,
        StatsService,
        ScrapedFigures,
        ...JOBS,
      ],
    };
  }
}
