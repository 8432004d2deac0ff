import { Jobs, type Ask, type ImportImagePayload } from '#libs/contracts';
import { type Broker } from '../broker.js';
import { CallClient } from '../calls/call-client.js';
import { JobServer } from '../jobs/job-server.js';
import { type RunningJob } from '../jobs/running-job.js';
import { quiet } from './rabbit-place.js';

export type Handler = (payload: ImportImagePayload, job: RunningJob) => Promise<unknown>;

/** A worker for import jobs, as Nest would start it. */
export async function startWorker(
  broker: Broker,
  handler: Handler,
  options: { concurrency?: number; shutdownMs?: number; ask?: Ask } = {},
): Promise<JobServer> {
  const { concurrency = 2, shutdownMs = 500, ask = new CallClient(broker, 2_000).ask } = options;
  const server = new JobServer({ kind: 'import', broker, ask, concurrency, shutdownMs, logger: quiet });
  for (const { kind, action } of [Jobs.importImage, Jobs.disposeTemporaries])
    server.addHandler(action, handler as (payload: unknown, job: unknown) => Promise<unknown>, false, { kind });
  await new Promise<void>((resolve, reject) => {
    void server.listen((error) => (error ? reject(error as Error) : resolve()));
  });
  return server;
}

/** Resolves when the job is told to stop; rejects then with the reason, as a stream does that was given the signal. */
export function untilStopped({ signal }: RunningJob): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
