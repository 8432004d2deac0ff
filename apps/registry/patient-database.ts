import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource } from 'typeorm';
import { type Logger } from '#libs/observability';
import { isOutage } from './database/index.js';

/** As long as RabbitMQ is waited for. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 1_000;

/** What `open` gives, once the database answers. Raises its error when that takes too long, or is another than an outage. */
export async function openedPatiently(
  open: () => Promise<DataSource>,
  logger: Logger,
  stopping?: AbortSignal,
): Promise<DataSource> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isOutage(error) || performance.now() > deadline) throw error;
      logger.warn({ reason: error instanceof Error ? error.message : String(error) }, 'PostgreSQL cannot be reached');
      await sleep(PAUSE_MS, undefined, { signal: stopping });
    }
  }
}
