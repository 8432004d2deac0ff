import { type JobMessage } from '#libs/contracts';

/** What a message in a job queue says; null where it says nothing of a job: anybody may have put it there. */
export function jobMessageIn(text: string): JobMessage | null {
  try {
    const message = JSON.parse(text) as Partial<JobMessage> | null;
    if (typeof message?.jobId === 'string' && typeof message.attempt === 'number') return message as JobMessage;
  } catch {
    // not JSON
  }
  return null;
}

const SHOWN_BYTES = 4096;

/** The beginning of a body, for people to read. */
export const bodyShown = (body: Buffer): string => body.subarray(0, SHOWN_BYTES).toString();
