import { ViceError } from '#libs/errors';

/** Why a database could not be opened, in words for whoever set DATABASE_URL. */
export const notLetIn = (cause: unknown): ViceError =>
  new ViceError(
    'CONFIGURATION',
    `PostgreSQL at DATABASE_URL does not let us in: ${cause instanceof Error ? cause.message || cause.name : String(cause)}`,
    { cause },
  );
