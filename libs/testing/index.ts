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
export {
  describeWith,
  dockerEngine,
  nova,
  openstack,
  postgres,
  rabbitmq,
  rabbitmqOwn,
  root,
  tool,
  type Requirement,
} from './requirement.js';
export { projectRoot } from './scripts.js';
export { shortTempPath, tempDir, type TempDir } from './temp-dir.js';
export { startSpanReceiver, type ReceivedSpan, type SpanReceiver } from './span-receiver.js';
export { until, type UntilOptions } from './until.js';
export { bootDisk, virtualMachine, type BootOptions } from './virtual-machine.js';
