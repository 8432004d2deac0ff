// Runs a store worker with one conversion to do, until it is killed: node convert-until-killed.mjs <data folder> <job id> <payload as JSON>. Runs the build.
import { loadConfig } from '../../../dist/libs/config/index.js';
import { createBroker } from '../../../dist/libs/messaging/index.js';
import { createLogger, Metrics } from '../../../dist/libs/observability/index.js';
import { startStoreWorker } from '../../../dist/apps/store-worker/start.js';

const [dataDir, jobId, payload] = process.argv.slice(2);
const logger = createLogger('test', 'silent');
const broker = await createBroker({ amqpUrl: null, queuePrefix: 'vice', logger });
const answers = {
  'job.claim': { attempt: 1, leaseMs: 60_000, action: 'convert', payload: JSON.parse(payload) },
  'job.heartbeat': { stop: null, leaseMs: 60_000 },
};
await broker.serve('registry', async (name) => answers[name] ?? { state: 'reserved' });
const config = loadConfig('standalone', { VICE_DATA_DIR: dataDir });
await startStoreWorker({ config, broker, logger, metrics: new Metrics('store-worker'), listen: false });
await broker.publishJob('convert', { jobId, attempt: 1 });
