import { ViceError } from '#libs/errors';

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** What a disk says that is gone, broken, or not to be written to: no fault of who asks, nor of the programs. */
const AWAY = new Set([
  'EIO',
  'EROFS',
  'ESTALE',
  'ENOTDIR',
  'ENODEV',
  'ENXIO',
  'EACCES',
  'EPERM',
  'ENOTCONN',
  'ESHUTDOWN',
  'EHOSTDOWN',
]);

/** A failed operation on the disk in words for the user: STORAGE_FULL where it is full, UNAVAILABLE where it is away, as it was otherwise. */
export function diskError(error: unknown): unknown {
  const code = codeOf(error);
  if (typeof code === 'string' && AWAY.has(code))
    return new ViceError('UNAVAILABLE', `the disk of the blob store cannot be used (${code})`, { cause: error, retryAfter: 2 });
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
