import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { JOB_QUEUES } from '#libs/contracts';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { BROKER, type Broker, type Subscription } from '#libs/messaging';
import { type Logger } from '#libs/observability';
import { ToolsetsService } from '../conversions/toolsets.service.js';
import { Database } from '../database/index.js';
import { EventsService } from '../events/events.service.js';
import { LOGGER } from '../tokens.js';
import { JobsService } from './jobs.service.js';
import { RelayService } from './relay.service.js';
import { ReportsService } from './reports.service.js';

const LAPSES_MS = 500;
const REPUBLISH_MS = 5000;
const REINSPECT_MS = 5000;
const PRUNE_MS = 10 * 60_000;

/** What the registry looks after by the clock. Several registries may do it beside each other. */
@Injectable()
export class UpkeepService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly running = new Set<Promise<void>>();
  private deadLetters: Subscription[] = [];

  constructor(
    private readonly database: Database,
    private readonly reports: ReportsService,
    private readonly relay: RelayService,
    private readonly jobs: JobsService,
    private readonly events: EventsService,
    private readonly toolsets: ToolsetsService,
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.amqpUrl) {
      await this.toolsets.forgetAll();
      await this.reports.resumeAll();
    }
    this.every(LAPSES_MS, 'ending lapsed leases', async () => {
      if ((await this.reports.endLapsed()) > 0) this.relay.wake();
    });
    this.every(REPUBLISH_MS, 'publishing lost messages again', () => this.relay.republishLost());
    this.every(this.config.collectIntervalMs, 'beginning a collection of garbage', () =>
      this.database.transaction((tx) => this.jobs.enqueueCollection(tx)),
    );
    this.every(REINSPECT_MS, 'having an original looked at again', () =>
      this.database.transaction((tx) => this.jobs.enqueueReinspection(tx)),
    );
    this.every(PRUNE_MS, 'forgetting what is old', () => this.prune());
    this.deadLetters = await Promise.all(
      JOB_QUEUES.map((queue) => this.broker.consumeDeadLetters(queue, (message) => this.relay.deadLettered(queue, message))),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.timers.forEach(clearInterval);
    await Promise.all(this.deadLetters.map((subscription) => subscription.close()));
    await Promise.all(this.running);
  }

  private async prune(): Promise<void> {
    await this.events.prune();
    await this.toolsets.prune();
    await this.database.query(`DELETE FROM jobs WHERE user_id IS NULL AND ended_at < now() - interval '1 day'`);
  }

  /** Does `work` every so often, never twice at once. */
  private every(ms: number, what: string, work: () => Promise<void>): void {
    let busy = false;
    const once = async () => {
      if (busy) return;
      busy = true;
      try {
        await work();
      } catch (error) {
        this.logger.warn({ err: error }, `${what} failed; it is tried again`);
      } finally {
        busy = false;
      }
    };
    this.timers.push(
      setInterval(() => {
        const run = once().finally(() => this.running.delete(run));
        this.running.add(run);
      }, ms),
    );
  }
}
