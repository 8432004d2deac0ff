import { BlobCalls } from './blobs.calls.js';
import { DeploymentCalls } from './deployments.calls.js';
import { EnvironmentCalls } from './environments.calls.js';
import { ImageCalls } from './images.calls.js';
import { JobCalls } from './jobs.calls.js';
import { EventCalls, RemoteCalls, StatsCalls } from './operations.calls.js';
import { ToolCalls } from './tools.calls.js';
import { UserCalls } from './users.calls.js';
import { type Call, type ServiceName } from './call.js';

export * from './blobs.calls.js';
export * from './call.js';
export * from './deployments.calls.js';
export * from './environments.calls.js';
export * from './images.calls.js';
export * from './jobs.calls.js';
export * from './operations.calls.js';
export * from './tools.calls.js';
export * from './users.calls.js';

/** Every call there is: a service that starts without a handler for one of its own, or with two, fails. */
const ALL_CALLS: readonly Call<unknown, unknown>[] = Object.values({
  ...UserCalls,
  ...EnvironmentCalls,
  ...ImageCalls,
  ...DeploymentCalls,
  ...JobCalls,
  ...BlobCalls,
  ...StatsCalls,
  ...EventCalls,
  ...RemoteCalls,
  ...ToolCalls,
}) as Call<unknown, unknown>[];

export const callsOf = (service: ServiceName): readonly Call<unknown, unknown>[] =>
  ALL_CALLS.filter((call) => call.service === service);
