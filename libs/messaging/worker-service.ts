import { type DynamicModule } from '@nestjs/common';
import { type CustomTransportStrategy } from '@nestjs/microservices';
import { QUEUES_OF_KIND, type Ask, type JobKind } from '#libs/contracts';
import { type Metrics } from '#libs/observability';
import { type Broker } from './broker.js';
import { CallClient } from './calls/call-client.js';
import { JobServer } from './jobs/job-server.js';
import { newWorkerName } from './jobs/worker-name.js';
import { startNestService, type NestServiceOptions } from './nest-service.js';
import { patiently } from './patiently.js';
import { type Closable } from './service-process.js';

export interface WorkerDependencies extends NestServiceOptions {
  broker: Broker;
  metrics: Metrics;
}

/**
 * A worker: takes jobs of its kind until it is closed. `moduleOf` makes its module with an `ask` that outlasts an outage of the broker,
 * for calls that bear being asked twice, and the name that the worker claims under; `more` are further ways in.
 */
export async function startWorker(
  kind: JobKind,
  { config, broker, logger, metrics, listen }: WorkerDependencies,
  moduleOf: (ask: Ask, worker: string) => DynamicModule,
  more: readonly CustomTransportStrategy[] = [],
): Promise<Closable> {
  let closing = false;
  const { ask } = new CallClient(broker);
  const { jobConcurrency: concurrency, shutdownMs } = config;
  const worker = newWorkerName();
  const jobs = new JobServer({ kind, broker, ask, worker, concurrency, shutdownMs, logger });
  const slots = concurrency * QUEUES_OF_KIND[kind].length;
  metrics.workers.watch({ kind, slots: () => (jobs.takes ? slots : 0), running: () => jobs.running });
  const module = moduleOf(
    patiently(ask, () => !closing),
    worker,
  );
  const service = await startNestService(module, [jobs, ...more], { config, logger, listen });
  return {
    async close() {
      closing = true;
      await service.close();
    },
  };
}
