import { Inject, Injectable } from '@nestjs/common';
import { BROKER, type Broker } from '#libs/messaging';
import { type JobEntity } from '../database/index.js';
import { toJobChange } from './job.contract.js';

/** Tells a job's owner of a moment in its life. Kept nowhere: what is lost is made up for by the next. */
@Injectable()
export class ProgressService {
  constructor(@Inject(BROKER) private readonly broker: Broker) {}

  async tell(job: JobEntity): Promise<void> {
    if (job.userId) await this.broker.broadcast({ userId: job.userId, kind: 'progress', change: toJobChange(job) });
  }
}
