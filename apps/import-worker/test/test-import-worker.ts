import { randomUUID } from 'node:crypto';
import { BlobLedger, createBlobStore, type BlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import {
  EnvironmentCalls,
  environmentSecret,
  JobCalls,
  type JobReport,
  type JobType,
  type Json,
  type RequestOf,
  type SealedEnvironment,
} from '#libs/contracts';
import { createBroker, type Broker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { tempDir, until } from '#libs/testing';
import { MemoryLedger } from '../../../libs/blobs/test/memory-ledger.js';
import { startImportWorker } from '../start.js';

/** An import worker in this process, beside the registry as far as an import worker asks it. */
export interface TestImportWorker extends AsyncDisposable {
  readonly broker: Broker;
  readonly blobs: BlobStore;
  /** What the registry opens, whichever environment is asked for. */
  environment: SealedEnvironment | null;
  sealed(
    environment: Pick<SealedEnvironment, 'software' | 'location'> & Partial<SealedEnvironment>,
    password?: string,
  ): SealedEnvironment;
  /** Runs an attempt of a job to its report. */
  run<Payload>(job: JobType<Payload, unknown>, payload: Payload, attempt?: Attempt): Promise<JobReport>;
}

export interface Attempt {
  jobId: string;
  attempt: number;
  /** Told to stop as soon as bytes have come. */
  isStopped?: boolean;
}

export async function testImportWorker(): Promise<TestImportWorker> {
  const temp = await tempDir();
  const logger = createLogger('test', 'silent');
  const config = { ...loadConfig('standalone', { VICE_DATA_DIR: temp.path }), shutdownMs: 1000 };
  const secretKey = SecretBox.newKey();
  const ledger = new MemoryLedger();
  const attempts = new Map<string, Attempt & { action: string; payload: Json }>();
  const reports = new Map<string, JobReport>();

  const heartbeat = ({ jobId, progress }: RequestOf<typeof JobCalls.heartbeat>) => ({
    stop: attempts.get(jobId)?.isStopped && progress.bytesDone > 0 ? 'cancelled' : null,
    leaseMs: 10_000,
  });
  const answer = (name: string, request: never): unknown => {
    switch (name) {
      case JobCalls.claimJob.name:
        return { ...attempts.get((request as Attempt).jobId), leaseMs: 10_000 };
      case JobCalls.heartbeat.name:
        return heartbeat(request);
      case JobCalls.reportJob.name:
        reports.set((request as JobReport).jobId, request);
        return {};
      case EnvironmentCalls.openEnvironment.name:
        return started.environment;
      default:
        return ledger.ask({ service: 'registry', name }, request);
    }
  };

  const broker = await createBroker({ amqpUrl: null, queuePrefix: 'vice', logger });
  await broker.serve('registry', async (name, body) => answer(name, body as never));
  const worker = await startImportWorker({ config, broker, logger, metrics: new Metrics('test'), secretKey, listen: false });
  const started: TestImportWorker = {
    broker,
    blobs: createBlobStore(config.blobStore, new BlobLedger(ledger.ask)),
    environment: null,
    sealed(environment, password = 'hush') {
      const id = randomUUID();
      const sealed = SecretBox.fromKey(secretKey).seal(password, environmentSecret(id, 'password'));
      return { id, username: null, password: sealed, specifics: {}, secrets: {}, ...environment };
    },
    async run({ action, queue }, payload, attempt = { jobId: randomUUID(), attempt: 1 }) {
      const { jobId } = attempt;
      reports.delete(jobId);
      attempts.set(jobId, { ...attempt, action, payload: payload as Json });
      await broker.publishJob(queue, { jobId, attempt: attempt.attempt });
      return until(() => reports.get(jobId), { what: 'the job has been reported', timeout: 60_000 });
    },
    async [Symbol.asyncDispose]() {
      await worker.close();
      await broker[Symbol.asyncDispose]();
      await temp.remove();
    },
  };
  return started;
}
