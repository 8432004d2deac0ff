import { Injectable } from '@nestjs/common';
import { type DeadLetter, type DeadLetterPage, type DeadLetterQuery, type JobQueue } from '#libs/contracts';
import { Database } from '../database/index.js';
import { decodeCursor, encodeCursor } from '../images/image.cursor.js';
import { type JobViewer } from '../jobs/job-access.js';

interface DeadLetterRow {
  id: string;
  queue: JobQueue;
  job_id: string | null;
  attempt: number | null;
  body: string | null;
  reason: string | null;
  count: number | null;
  at: Date;
  key: string;
}

const ORDER = '-createdAt';

/** Dead letters, newest first. */
@Injectable()
export class DeadLetterList {
  constructor(private readonly database: Database) {}

  /** Raises INVALID_QUERY for a cursor that is none of this list's. */
  async find(viewer: JobViewer, { queue, jobId, limit, cursor }: DeadLetterQuery): Promise<DeadLetterPage> {
    const from = cursor === undefined ? null : decodeCursor(cursor, ORDER);
    const rows = await this.database.query<DeadLetterRow>(
      `SELECT id, queue, job_id, attempt, body, reason, count, at, at::text AS key FROM dead_letters letter
        WHERE ($1::uuid IS NULL OR EXISTS (SELECT FROM jobs WHERE jobs.id = letter.job_id AND jobs.user_id = $1))
          AND ($2::text IS NULL OR queue = $2) AND ($3::uuid IS NULL OR job_id = $3)
          AND ($4::timestamptz IS NULL OR (at, id) < ($4, $5::uuid))
        ORDER BY at DESC, id DESC LIMIT $6`,
      [viewer.administrator ? null : viewer.userId, queue ?? null, jobId ?? null, from?.key ?? null, from?.id ?? null, limit + 1],
    );
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    const next = last ? encodeCursor({ sort: ORDER, key: last.key, id: last.id }) : null;
    return { deadLetters: shown.map(toContract), next };
  }
}

const toContract = ({ id, queue, job_id, attempt, body, reason, count, at }: DeadLetterRow): DeadLetter => ({
  ...{ id, queue, jobId: job_id, attempt, body, reason, count },
  at: at.toISOString(),
});
