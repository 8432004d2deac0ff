import { JOB_ACTIONS, JOB_KINDS, JOB_QUEUES, JOB_STATES, type DeadLetterQuery, type JobQuery } from '#libs/contracts';
import { QueryReader, type QueryParameters } from '../bodies/query.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const idIn = (query: QueryReader, name: string): string | undefined => query.matching(name, UUID, 'an id')?.toLowerCase();

const limitIn = (query: QueryReader): number => query.wholeNumber('limit', { min: 1, max: MAX_LIMIT }) ?? DEFAULT_LIMIT;

/** Raises INVALID_QUERY that names every parameter at fault. */
export function jobQuery(parameters: QueryParameters): JobQuery {
  const query = new QueryReader(parameters);
  const deadLettered = query.oneOf('deadLettered', ['true', 'false']);
  const read: JobQuery = {
    state: query.oneOf('state', JOB_STATES),
    kind: query.oneOf('kind', JOB_KINDS),
    action: query.oneOf('action', JOB_ACTIONS),
    userid: idIn(query, 'userid'),
    imageId: idIn(query, 'imageId'),
    deploymentId: idIn(query, 'deploymentId'),
    environmentId: idIn(query, 'environmentId'),
    deadLettered: deadLettered === undefined ? undefined : deadLettered === 'true',
    limit: limitIn(query),
    cursor: query.text('cursor'),
  };
  query.finish();
  return present(read);
}

/** Raises INVALID_QUERY that names every parameter at fault. */
export function deadLetterQuery(parameters: QueryParameters): DeadLetterQuery {
  const query = new QueryReader(parameters);
  const read: DeadLetterQuery = {
    queue: query.oneOf('queue', JOB_QUEUES),
    jobId: idIn(query, 'jobId'),
    limit: limitIn(query),
    cursor: query.text('cursor'),
  };
  query.finish();
  return present(read);
}

/** What crosses is JSON, where an absent value would be null. */
const present = <Query extends object>(query: Query): Query =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Query;
