export { brokerUrl, startBroker, type BrokerVersion, type TestBroker } from './brokers.js';
export { type CloudAnswer, type CloudProject, type CloudRequest, type CloudService } from './cloud-api.js';
export { lineToCloud, type CloudLine, type Fault } from './cloud-line.js';
export { type CloudServer } from './cloud-servers.js';
export { startCloud, type CloudImage, type CloudOptions, type NewCloudImage, type TestCloud } from './clouds.js';
export { createTestDatabase, postgresUrl, queryOnce, type TestDatabase } from './database.js';
export { type DockerRequest } from './docker-api.js';
export { bigImage, busyboxImage, busyboxPath, type SmallImage } from './docker-images.js';
export { startEngine, type EngineVersion, type TestEngine } from './engines.js';
export { freePort } from './free-port.js';
export { startProcess, type App, type ProcessOptions, type TestProcess } from './processes.js';
export { startObjectStore, type TestObjectStore } from './object-store.js';
export { promtool, startPrometheus, type Sample, type TestPrometheus } from './prometheus.js';
export {
  describeWith,
  dockerEngine,
  nova,
  objectStore,
  openstack,
  postgres,
  postgresOwn,
  prometheus,
  rabbitmq,
  rabbitmqOwn,
  root,
  tool,
  type Requirement,
} from './requirement.js';
export { startPostgres, type TestPostgres } from './own-postgres.js';
export { projectRoot } from './scripts.js';
export { Samples } from './samples.js';
export { shortTempPath, tempDir, type TempDir } from './temp-dir.js';
export { startSpanReceiver, type ReceivedSpan, type SpanReceiver } from './span-receiver.js';
export { until, type UntilOptions } from './until.js';
export { bootDisk, virtualMachine, type BootOptions } from './virtual-machine.js';
