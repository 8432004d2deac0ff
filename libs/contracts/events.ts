import { type Deployment } from './api/deployment.js';
import { type Image } from './api/image.js';
import { type Job } from './api/job.js';
import { type Instant } from './vocabulary.js';

/** What a user is told of at `GET /events`. */
export type Change =
  | { type: 'image'; data: Image }
  | { type: 'image-deleted'; data: { id: string } }
  | { type: 'deployment'; data: Deployment }
  | { type: 'deployment-deleted'; data: { id: string } }
  | { type: 'job'; data: Job };

/** A change that is kept for a while, in the order of its user's changes: `id` is a growing whole number as text. */
export type StoredEvent = Change & { id: string; at: Instant };

/**
 * What the registry tells all gateways. `stored`: there is something new to ask for with eventsSince; lost, it is made up for by asking now and then.
 * `progress`: a moment in the life of a job, kept nowhere.
 */
export type Broadcast = { userId: string } & (
  { kind: 'stored' } | { kind: 'progress'; change: Extract<Change, { type: 'job' }> }
);
