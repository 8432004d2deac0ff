import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { type Job, type JobPage, type JobQuery } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Database, JobEntity } from '../database/index.js';
import { decodeCursor, encodeCursor } from '../images/image.cursor.js';
import { requireViewer, type JobViewer } from './job-access.js';
import { toJob } from './job.contract.js';
import { type SelectQueryBuilder } from 'typeorm';

const COUNTED_TO = 10_000;
const ORDER = '-createdAt';

/** Jobs of all kinds, newest first: a user's own, an administrator's are all. */
@Injectable()
export class JobListService {
  constructor(private readonly database: Database) {}

  /** Raises FORBIDDEN, and INVALID_QUERY for a cursor that is none of this list's. */
  async find(viewer: JobViewer, query: JobQuery): Promise<JobPage> {
    const { limit, cursor } = query;
    const from = cursor === undefined ? null : decodeCursor(cursor, ORDER);
    const page = this.matching(viewer, query);
    if (from)
      page.andWhere('(job.createdAt, job.id) < (CAST(:key AS timestamptz), CAST(:id AS uuid))', { key: from.key, id: from.id });
    const [jobs, total] = await Promise.all([
      page
        .orderBy({ 'job.createdAt': 'DESC', 'job.id': 'DESC' })
        .limit(limit + 1)
        .getMany(),
      this.total(viewer, query),
    ]);
    const shown = jobs.slice(0, limit);
    const last = jobs.length > limit ? shown.at(-1) : undefined;
    return { jobs: shown.map(toJob), next: last ? cursorAfter(last) : null, total };
  }

  async get(viewer: JobViewer, jobId: string): Promise<Job> {
    const job = isUUID(jobId) ? await this.database.source.manager.findOneBy(JobEntity, { id: jobId }) : null;
    requireViewer(job, viewer, jobId);
    return toJob(job);
  }

  private async total(viewer: JobViewer, query: JobQuery): Promise<number> {
    const [sql, parameters] = this.matching(viewer, query).select('1').limit(COUNTED_TO).getQueryAndParameters();
    const [counted] = await this.database.query<{ jobs: number }>(
      `SELECT count(*)::int AS jobs FROM (${sql}) counted`,
      parameters,
    );
    return counted?.jobs ?? 0;
  }

  private matching(viewer: JobViewer, query: JobQuery): SelectQueryBuilder<JobEntity> {
    const { state, kind, action, imageId, deploymentId, environmentId, deadLettered } = query;
    const jobs = this.database.source.manager.createQueryBuilder(JobEntity, 'job');
    const columns = { userId: whose(viewer, query), state, kind, action, imageId, deploymentId, environmentId };
    for (const [column, value] of Object.entries(columns))
      if (value !== undefined) jobs.andWhere(`job.${column} = :${column}`, { [column]: value });
    if (deadLettered !== undefined) jobs.andWhere(deadLettered ? 'job.deadLetters > 0' : 'job.deadLetters = 0');
    return jobs;
  }
}

/** Whose jobs are asked for; undefined: everybody's. */
function whose(viewer: JobViewer, { userid }: JobQuery): string | undefined {
  if (viewer.administrator) return userid;
  if (userid === undefined || userid === viewer.userId) return viewer.userId;
  throw new ViceError('FORBIDDEN', 'only an administrator sees the jobs of other users');
}

/** Its instant is kept to the millisecond. */
const cursorAfter = ({ createdAt, id }: JobEntity): string =>
  encodeCursor({ sort: ORDER, key: `${createdAt.toISOString().replace('T', ' ').replace('Z', '')}+00`, id });
