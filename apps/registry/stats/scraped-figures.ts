import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { JOB_QUEUES, type JobQueue } from '#libs/contracts';
import { BROKER, type Broker } from '#libs/messaging';
import { Metrics } from '#libs/observability';
import { blobFigures } from '../blobs/blob-figures.js';
import { Database } from '../database/index.js';
import { liveJobs } from './live-jobs.js';
import { pendingOf, StatsService, workersOf } from './stats.service.js';

/** What the metrics show of this moment: asked of the broker and the database with every scrape. */
@Injectable()
export class ScrapedFigures implements OnApplicationBootstrap {
  constructor(
    private readonly metrics: Metrics,
    private readonly stats: StatsService,
    private readonly database: Database,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  onApplicationBootstrap(): void {
    const { scrape, queues, jobs, outbox, blobs } = this.metrics;
    scrape.read({ broker: () => this.ofBroker(), database: () => this.ofDatabase() }, ({ broker, database }) => {
      queues.show({
        ready: broker && readyOf(broker.depths),
        deadLetters: broker?.deadLetters,
        workers: broker && workersOf(broker.depths),
        inHand: database?.inHand,
        pending: broker && database && pendingOf(broker.depths, database.inHand),
      });
      jobs.showLive(database?.live.byKind);
      outbox.show(database?.live.outbox);
    });
    // By itself: it takes longest, and is not to take the others away.
    scrape.read({ database: () => blobFigures(this.database) }, ({ database }) => blobs.show(database));
  }

  private async ofBroker() {
    const [depths, deadLetters] = await Promise.all([this.broker.depths(), this.broker.deadLetters()]);
    return { depths, deadLetters };
  }

  private async ofDatabase() {
    const [inHand, live] = await Promise.all([this.stats.inHand(), liveJobs(this.database), this.database.check()]);
    return { inHand, live };
  }
}

const readyOf = (depths: Readonly<Record<JobQueue, { ready: number }>>) =>
  Object.fromEntries(JOB_QUEUES.map((queue) => [queue, depths[queue].ready])) as Record<JobQueue, number>;
