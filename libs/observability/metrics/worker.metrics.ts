import { Gauge, type Registry } from 'prom-client';
import { type JobKind } from '#libs/contracts';

interface Worker {
  kind: JobKind;
  /** Jobs that it can run at once; 0 once it takes no more. */
  slots(): number;
  /** Jobs that it runs now. */
  running(): number;
}

/** The workers in this process. */
export class WorkerMetrics {
  private readonly workers = new Map<JobKind, Worker>();

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, value: (worker: Worker) => number) => {
      const made: Gauge = new Gauge({
        name,
        help,
        labelNames: ['kind'],
        registers: [registry],
        collect: () => this.workers.forEach((worker) => made.set({ kind: worker.kind }, value(worker))),
      });
    };
    gauge('vice_worker_jobs_running', 'Jobs that this worker runs', (worker) => worker.running());
    gauge('vice_worker_slots', 'Jobs that this worker can run at once; 0 once it takes no more', (worker) => worker.slots());
  }

  watch(worker: Worker): void {
    this.workers.set(worker.kind, worker);
  }
}
