export {
  type Broker,
  type CallContext,
  type CallListener,
  type DeadMessage,
  type JobDelivery,
  type QueueDepth,
  type Subscription,
} from './broker.js';
export { createBroker, type BrokerOptions } from './create-broker.js';
export { BROKER, MessagingModule } from './messaging.module.js';
export { CallClient } from './calls/call-client.js';
export { CallHandler } from './calls/call-handler.js';
export { CallServer } from './calls/call-server.js';
export { currentDeadline } from './calls/current-call.js';
export { JobHandler } from './jobs/job-handler.js';
export { JobServer, type JobServerOptions } from './jobs/job-server.js';
export { jobSpan } from './jobs/job-spans.js';
export { type RunningJob } from './jobs/running-job.js';
export { healthMeanwhile } from './health-meanwhile.js';
export { observeProcess } from './observed-process.js';
export { patiently } from './patiently.js';
export { startFault } from './start-fault.js';
export { runService, runUntilSignal, type Closable, type ServiceParts } from './service-process.js';
export { startNestService } from './nest-service.js';
export { startWorker, type WorkerDependencies } from './worker-service.js';
