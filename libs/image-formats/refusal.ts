import { ViceError } from '#libs/errors';

/** The content is not what it says it is, or contradicts itself. */
export const invalid = (message: string, cause?: unknown) => new ViceError('CONTENT_INVALID', message, { cause });

/** The content ends before what it announces. */
export const truncated = (message: string, cause?: unknown) => new ViceError('CONTENT_TRUNCATED', message, { cause });

/** The content is sound, but reaches for what is not its own, or for more than it may have. */
export const refused = (message: string) => new ViceError('CONTENT_REFUSED', message);

/** A name of the user's making in a message of ours: bounded, and without control characters. */
export const quote = (name: string): string => JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
