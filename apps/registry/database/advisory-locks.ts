/**
 * PostgreSQL's advisory locks are numbers, shared by the whole database: those that we chose are here, so that no two meet. They must never change.
 * Locks on what has only a name (a digest, a kind of job) are hashes of that name.
 */
export const ADVISORY_LOCKS = {
  /** Held while the tables are brought up to date. */
  migration: 7_302_117,
  /** With a user's id: events of one user become visible in the order of their numbers. */
  eventOrder: 7_302_118,
  /** Held for life by a process that works without RabbitMQ. */
  oneProcess: 7_302_119,
  /** Space is reserved by one writer after the other. */
  space: 7_302_120,
} as const;
