import { ViceError } from '#libs/errors';

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** A failed operation on the disk in words for the user: STORAGE_FULL where it is full, as it was otherwise. */
export function diskError(error: unknown): unknown {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new ViceError(
    'STORAGE_FULL',
    'the disk of the blob store is full; free some space, or delete images that are not needed',
    {
      cause: error,
    },
  );
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
