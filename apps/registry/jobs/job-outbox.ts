import { Injectable } from '@nestjs/common';
import { Metrics } from '#libs/observability';
import { JobEntity, type Transaction } from '../database/index.js';
import { EventsService } from '../events/events.service.js';
import { toJobChange } from './job.contract.js';
import { type JobDraft } from './job-drafts.js';
import { trailColumns } from './job-trail.js';

/** Where jobs begin: as rows, in the transaction that gives rise to them. The relay publishes them once it is committed. */
@Injectable()
export class JobOutbox {
  private wakeRelay: () => void = () => {};

  constructor(
    private readonly events: EventsService,
    private readonly metrics: Metrics,
  ) {}

  /** `wake` is called whenever there may be something to publish. */
  onAdded(wake: () => void): void {
    this.wakeRelay = wake;
  }

  async add(tx: Transaction, draft: JobDraft): Promise<JobEntity> {
    const jobs = tx.manager.getRepository(JobEntity);
    await jobs.insert({ ...trailColumns(), ...draft } as object);
    const job = await jobs.findOneByOrFail({ id: draft.id });
    this.changed(tx, job);
    tx.afterCommit(() => this.wakeRelay());
    tx.afterCommit(() => this.metrics.jobs.created(job));
    return job;
  }

  /** The job is to be published again: its row says when. */
  requeued(tx: Transaction): void {
    tx.afterCommit(() => this.wakeRelay());
  }

  /** Tells the owner; nobody owns the collection of garbage. */
  changed(tx: Transaction, job: JobEntity): void {
    if (job.userId) this.events.record(tx, job.userId, toJobChange(job));
  }
}
