import { type JobEntity } from '../database/index.js';
import { type JobViewer } from './job-access.js';

const LOG_CHARACTERS = 64 * 1024;

/** The log of a job that is run again: why it failed stands there until the environment prints something else. */
export function withFormerError(
  { log, attempt, errorCode, errorMessage, userId }: Pick<JobEntity, 'log' | 'attempt' | 'errorCode' | 'errorMessage' | 'userId'>,
  viewer: JobViewer,
): string {
  const who = viewer.userId === userId ? 'its owner' : 'an administrator';
  const line = `attempt ${attempt} failed with ${errorCode ?? 'no error'}: ${errorMessage ?? ''}\nrun again by ${who}\n`;
  const before = log === null || log === '' || log.endsWith('\n') ? (log ?? '') : `${log}\n`;
  return `${before}${line}`.slice(-LOG_CHARACTERS);
}
