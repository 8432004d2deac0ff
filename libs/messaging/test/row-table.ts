import { randomUUID } from 'node:crypto';
import { JobCalls, type JobOutcome, type JobQueue, type JobReport, type Json } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type Broker, type Subscription } from '../broker.js';

export interface Row {
  id: string;
  queue: JobQueue;
  action: string;
  payload: Json;
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  attempt: number;
  leaseUntil: number;
  publishedAt: number;
  cancelRequested: boolean;
  /** Accepted ones. */
  reports: JobReport[];
  /** Refused because a later attempt has the job. */
  fenced: number;
}

const REPUBLISH_MS = 1_000;
const RELAY_MS = 100;

/** The registry's side of a job in as few lines as its rules allow: rows that are the judge, a relay, leases that lapse. */
export class RowTable {
  readonly rows = new Map<string, Row>();
  private subscription?: Subscription;
  private relay?: NodeJS.Timeout;

  constructor(
    private readonly broker: Broker,
    private readonly leaseMs: number,
  ) {}

  async open(): Promise<void> {
    this.subscription = await this.broker.serve('registry', async (name, body) => this.answer(name, body));
    this.relay = setInterval(() => void this.sweep(), RELAY_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.relay);
    await this.subscription?.close();
  }

  /** A row and its message. */
  async add(payload: Json = {}, action = 'import', queue: JobQueue = 'import'): Promise<Row> {
    const row: Row = {
      ...{ id: randomUUID(), queue, action, payload, state: 'queued', attempt: 0, leaseUntil: 0, publishedAt: 0 },
      ...{ cancelRequested: false, reports: [], fenced: 0 },
    };
    this.rows.set(row.id, row);
    await this.publish(row);
    return row;
  }

  async publish(row: Row): Promise<void> {
    row.publishedAt = Date.now();
    await this.broker.publishJob(row.queue, { jobId: row.id, attempt: row.attempt + 1 }).catch(() => undefined);
  }

  private async sweep(): Promise<void> {
    for (const row of this.rows.values()) {
      if (row.state === 'running' && row.leaseUntil < Date.now()) row.state = 'queued';
      if (row.state === 'queued' && row.publishedAt < Date.now() - REPUBLISH_MS) await this.publish(row);
    }
  }

  private answer(name: string, body: unknown): unknown {
    const { jobId, attempt } = body as { jobId: string; attempt: number };
    const row = this.rows.get(jobId);
    if (!row) throw new ViceError('JOB_NOT_FOUND', 'there is no such job');
    if (name === JobCalls.claimJob.name) return this.claim(row, attempt);
    if (name === JobCalls.heartbeat.name) return this.heartbeat(row, attempt);
    if (name === JobCalls.reportJob.name) return this.report(row, body as JobReport);
    return {};
  }

  private claim(row: Row, attempt: number) {
    if (row.state !== 'queued' || attempt !== row.attempt + 1) throw new ViceError('JOB_NOT_CLAIMABLE', 'not now');
    Object.assign(row, { state: 'running', attempt, leaseUntil: Date.now() + this.leaseMs });
    return { action: row.action, attempt, leaseMs: this.leaseMs, payload: row.payload };
  }

  private heartbeat(row: Row, attempt: number) {
    if (row.attempt !== attempt || row.state !== 'running') return { stop: 'fenced', leaseMs: this.leaseMs };
    if (row.cancelRequested) return { stop: 'cancelled', leaseMs: this.leaseMs };
    row.leaseUntil = Date.now() + this.leaseMs;
    return { stop: null, leaseMs: this.leaseMs };
  }

  private report(row: Row, report: JobReport) {
    if (row.attempt !== report.attempt) {
      row.fenced += 1;
      throw new ViceError('JOB_FENCED', 'a later attempt has the job');
    }
    if (row.state !== 'running') return {};
    row.reports.push(report);
    row.state = stateAfter(report.outcome);
    if (row.state === 'queued') void this.publish(row);
    return {};
  }
}

function stateAfter(outcome: JobOutcome): Row['state'] {
  if (outcome.kind === 'handed-back') return 'queued';
  if (outcome.kind === 'failed') return outcome.transient ? 'queued' : 'failed';
  return outcome.kind;
}
