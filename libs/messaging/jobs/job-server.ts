import { setTimeout as sleep } from 'node:timers/promises';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { Jobs, QUEUES_OF_KIND, type Ask, type JobKind, type JobQueue } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { beginWork, tracedFrom, type Logger, type Span } from '#libs/observability';
import { type Broker, type JobDelivery, type Subscription } from '../broker.js';
import { HandlerTable } from '../handler-table.js';
import { invoke } from '../nest-handler.js';
import { outcomeOf, type AttemptEnd } from './attempt-outcome.js';
import { HeldDelivery } from './held-delivery.js';
import { JobDesk } from './job-desk.js';
import { JOBS } from './job-handler.js';
import { JobRun } from './job-run.js';
import { jobSpan } from './job-spans.js';
import { Slots } from './slots.js';
import { newWorkerName } from './worker-name.js';

/** After the shutdown's time: for aborted handlers to clean up, and for the last reports. */
const GRACE_MS = 4_000;

export interface JobServerOptions {
  kind: JobKind;
  broker: Broker;
  ask: Ask;
  /** Who claims. */
  worker?: string;
  /** Jobs at once in this process, of each queue: a long conversion does not hold up an inspection. */
  concurrency: number;
  /** How long close() lets running jobs go on before it aborts them. */
  shutdownMs: number;
  logger: Logger;
}

/**
 * Runs the jobs of one kind by its @JobHandler methods: `app.connectMicroservice({ strategy: new JobServer({ kind: 'import', … }) })`.
 *
 * A job's row is the judge: a message is a hint that a row may be due. It is claimed by a call, kept unacknowledged while the job runs, and
 * ended by an ack once the registry has heard the outcome, or has refused us. What stands for no job at all becomes a dead letter. A connection that breaks stops no job: the lease decides.
 * It does not start unless each sort of job of its kind has exactly one handler.
 */
export class JobServer extends Server implements CustomTransportStrategy {
  override readonly transportId = JOBS;
  private readonly handlers = new HandlerTable('job');
  private readonly desk: JobDesk;
  private readonly held = new Map<string, HeldDelivery>();
  private readonly runs = new Set<JobRun>();
  private readonly carried = new Set<Promise<void>>();
  private subscriptions: Subscription[] = [];
  private readonly closing = new AbortController();
  private readonly givenUp = new AbortController();

  constructor(private readonly options: JobServerOptions) {
    super();
    this.desk = new JobDesk(options.ask, options.worker ?? newWorkerName(), options.logger);
  }

  /** Jobs that run in this process now. */
  get running(): number {
    return this.runs.size;
  }

  /** Whether it still takes jobs. */
  get takes(): boolean {
    return !this.closing.signal.aborted;
  }

  override addHandler(action: string, handler: MessageHandler, _isEvent?: boolean, extras: Record<string, unknown> = {}): void {
    this.handlers.add(action, handler, String(extras['kind']));
  }

  async listen(started: (error?: unknown) => void): Promise<void> {
    const { kind, broker, concurrency } = this.options;
    try {
      this.handlers.check(
        kind,
        Object.values(Jobs)
          .filter((job) => job.kind === kind)
          .map((job) => job.action),
      );
      for (const queue of QUEUES_OF_KIND[kind]) {
        const slots = new Slots(concurrency);
        this.subscriptions.push(await broker.consumeJobs(queue, concurrency, (delivery) => this.take(delivery, slots, queue)));
      }
      started();
    } catch (error) {
      started(error);
    }
  }

  /** Takes no more jobs, lets those that run end within `shutdownMs`, aborts and hands back the rest. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()));
    await this.allEndedWithin(this.options.shutdownMs);
    for (const run of this.runs) run.stop('shutdown');
    await this.allEndedWithin(GRACE_MS);
    this.givenUp.abort();
  }

  on(): never {
    throw new Error('a JobServer emits no events');
  }

  unwrap<T>(): T {
    return this.options.broker as T;
  }

  private take(delivery: JobDelivery, slots: Slots, queue: JobQueue): void {
    const key = `${delivery.message.jobId}.${delivery.message.attempt}`;
    const held = this.held.get(key);
    if (held) return held.adopt(delivery);
    if (this.closing.signal.aborted) return delivery.release();
    const taken = new HeldDelivery(delivery);
    this.held.set(key, taken);
    const { jobId, attempt, requestId, traceParent } = delivery.message;
    const carried = beginWork({ requestId, jobId, attempt, traceParent }, () => this.carry(taken, slots, queue)).finally(() => {
      this.held.delete(key);
      this.carried.delete(carried);
    });
    this.carried.add(carried);
  }

  /** From the delivery to its ack. The slot is kept until the handler has really returned, whatever became of the lease. */
  private async carry(held: HeldDelivery, slots: Slots, queue: JobQueue): Promise<void> {
    const giveBack = await slots.take();
    try {
      if (this.closing.signal.aborted) return held.release();
      const { message } = held;
      const known = await tracedFrom(message.traceParent, ...jobSpan('consumer', queue, message), (span) =>
        this.process(held, span),
      );
      if (!known) return held.refuse();
      held.ack();
    } catch (error) {
      this.options.logger.warn({ err: error }, 'a job was left to the registry to set right');
      held.release();
    } finally {
      giveBack();
    }
  }

  /** Whether there is such a job. Raises UNAVAILABLE where the registry could not be told how it ended. */
  private async process(held: HeldDelivery, span: Span): Promise<boolean> {
    const claim = await this.desk.claim(held.message, this.closing.signal);
    if (claim === 'no-such-job') return false;
    if (claim === 'not-ours') return true;
    span.set({ 'vice.job.action': claim.job.action });
    const run = new JobRun(held.message.jobId, claim.job, claim.sent, this.options.ask, this.options.logger);
    const end = await this.run(run, claim.job.action, claim.job.payload);
    if ('error' in end) span.fail(end.error);
    const outcome = outcomeOf(end, run.stopped);
    if (outcome) await this.desk.report(run, outcome, this.givenUp.signal);
    return true;
  }

  private async run(run: JobRun, action: string, payload: unknown): Promise<AttemptEnd> {
    this.runs.add(run);
    this.options.logger.info({ action }, 'job begins');
    try {
      const handler = this.handlers.get(action);
      if (!handler) throw new ViceError('UNAVAILABLE', `this worker does not know ${action} jobs: is it of another release?`);
      const result = await invoke(handler, payload, run);
      this.options.logger.info({ action }, 'job ends well');
      return { result };
    } catch (error) {
      const known = ViceError.from(error);
      const level = known.code === 'INTERNAL' && !run.stopped ? 'error' : 'info';
      this.options.logger[level]({ action, stopped: run.stopped, err: error }, 'job ends without success');
      return { error };
    } finally {
      run.finish();
      this.runs.delete(run);
    }
  }

  private async allEndedWithin(ms: number): Promise<void> {
    const time = new AbortController();
    const ended = Promise.allSettled(this.carried);
    await Promise.race([ended, sleep(ms, undefined, { signal: time.signal }).catch(() => undefined)]);
    time.abort();
  }
}
