import { connect } from 'amqplib';
import { JOB_QUEUES, type Job } from '#libs/contracts';
import { queryOnce } from '#libs/testing';
import { deadLetterQueue, jobQueue } from '../libs/messaging/topology.js';
import { expectStatus, type ViceClient } from './client.js';
import { type Vice } from './vice.js';

/** What the rows and the queues say of jobs. */

/** Jobs of users that have not ended. */
export async function openJobs(databaseUrl: string): Promise<number> {
  const [row] = await queryOnce(
    databaseUrl,
    `SELECT count(*)::int AS jobs FROM jobs WHERE user_id IS NOT NULL AND state IN ('queued', 'running')`,
  );
  return row?.['jobs'] as number;
}

/** Jobs of users that did not come to a good end exactly once. Each end is an event, kept in the transaction that wrote it. */
export function oddlyEnded(databaseUrl: string): Promise<Record<string, unknown>[]> {
  return queryOnce(
    databaseUrl,
    `SELECT jobs.id, action, state, attempt, failures, error_code, error_message, count(events.id)::int AS ends
       FROM jobs LEFT JOIN events ON change->>'type' = 'job' AND change->'data'->>'id' = jobs.id::text
                                 AND change->'data'->>'endedAt' IS NOT NULL
      WHERE jobs.user_id IS NOT NULL GROUP BY jobs.id HAVING state <> 'succeeded' OR count(events.id) <> 1`,
  );
}

/** State by action of the jobs at `/image/{id}` or `/deployment/{id}`. Raises where an action has two. */
export async function jobsOf(client: ViceClient, of: string): Promise<Record<string, string>> {
  const jobs = expectStatus(200, await client.get<Job[]>(`${of}/jobs`));
  const states = Object.fromEntries(jobs.map(({ action, state }) => [action, state]));
  if (Object.keys(states).length < jobs.length) throw new Error(`${of} has jobs twice: ${JSON.stringify(jobs)}`);
  return states;
}

/** Messages ready in the job queues and in those of dead letters. */
export async function messagesLeft({ broker }: Vice): Promise<number> {
  if (broker === null) throw new Error('there are no queues to be seen in one process');
  const { url, queuePrefix } = broker;
  const connection = await connect(url);
  try {
    const channel = await connection.createChannel();
    const names = JOB_QUEUES.flatMap((queue) => [jobQueue(queuePrefix, queue).name, deadLetterQueue(queuePrefix, queue).name]);
    const counts = await Promise.all(names.map(async (name) => (await channel.checkQueue(name)).messageCount));
    return counts.reduce((sum, count) => sum + count, 0);
  } finally {
    await connection.close();
  }
}
