import { type EnvironmentCheck } from '../api/environment.js';
import { type RemoteImageEntry } from '../api/image.js';
import { type RuntimeStats } from '../api/runtime-stats.js';
import { type StoredEvent } from '../events.js';
import { callTo, type Empty } from './call.js';

export const StatsCalls = {
  runtimeStats: callTo<Empty, RuntimeStats>('registry', 'stats.runtime'),
};

export const EventCalls = {
  /** The user's events after `after` (an id; null: none yet, gives only `last`), oldest first. */
  eventsSince: callTo<{ userId: string; after: string | null; limit: number }, { events: StoredEvent[]; last: string }>(
    'registry',
    'event.since',
  ),
};

export interface RemoteImageListing {
  images: RemoteImageEntry[];
  /** What to ask for the next page with; null on the last. */
  next: string | null;
}

/** Answered by the import worker, beside its jobs. */
export const RemoteCalls = {
  checkEnvironment: callTo<{ userId: string; environmentId: string }, EnvironmentCheck>('import-worker', 'environment.check'),
  listRemoteImages: callTo<{ userId: string; environmentId: string; page?: string }, RemoteImageListing>(
    'import-worker',
    'environment.images',
  ),
};
