import { type ViceConfig } from '#libs/config';
import { createBlobStore, BlobLedger } from '#libs/blobs';
import { CallClient, createBroker, observeProcess, type Closable } from '#libs/messaging';
import { Metrics, neverLog, passwordsIn } from '#libs/observability';
import { startExportWorker } from '../export-worker/start.js';
import { startGateway } from '../gateway/start.js';
import { startImportWorker } from '../import-worker/start.js';
import { startRegistry } from '../registry/start.js';
import { startStoreWorker } from '../store-worker/start.js';
import { checkTools } from '../store-worker/tools-check.js';
import { EmbeddedPostgres } from './embedded-postgres.js';
import { keptSecretKeys } from './secret-key.js';

/** All five services in this process. Closes in the opposite order of starting, also when a start fails half-way. */
export async function startStandalone(given: ViceConfig): Promise<Closable & { url: string }> {
  const { logger, tracing } = await observeProcess(given);
  const started: Closable[] = [];
  const keep = <T extends Closable>(part: T): T => (started.push(part), part);
  const close = async () => {
    for (let part = started.pop(); part; part = started.pop()) await part.close();
  };
  keep(tracing);
  try {
    const { secretKey, otherSecretKeys } = await keysOf(given);
    const config = { ...given, otherSecretKeys };
    const databaseUrl = config.databaseUrl ?? (await embeddedDatabase(config, keep));
    neverLog([secretKey, ...otherSecretKeys, ...passwordsIn(databaseUrl)]);
    const broker = await createBroker({ amqpUrl: config.amqpUrl, queuePrefix: config.queuePrefix, logger });
    keep({ close: async () => broker[Symbol.asyncDispose]() });
    const parts = { config, broker, logger, metrics: new Metrics('standalone'), secretKey, listen: false };
    const registry = keep(await startRegistry({ ...parts, databaseUrl }));
    keep(await startStoreWorker(parts));
    keep(await startImportWorker(parts));
    keep(await startExportWorker(parts));
    const blobs = createBlobStore(config.blobStore, new BlobLedger(new CallClient(broker).ask));
    const gateway = keep(
      await startGateway({ ...parts, blobs, checks: { database: registry.checkDatabase, tools: checkTools } }),
    );
    logger.info({ url: gateway.url }, 'standalone is up');
    return { url: gateway.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Those that are configured, or those of the data folder. */
async function keysOf({ dataDir, secretKey, otherSecretKeys }: ViceConfig) {
  if (secretKey !== null) return { secretKey, otherSecretKeys };
  const kept = await keptSecretKeys(dataDir);
  return { secretKey: kept.secretKey, otherSecretKeys: [...kept.otherSecretKeys, ...otherSecretKeys] };
}

async function embeddedDatabase(config: ViceConfig, keep: (part: Closable) => void): Promise<string> {
  const postgres = await EmbeddedPostgres.start({
    dataDir: config.dataDir,
    onUnexpectedEnd: (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  });
  keep({ close: () => postgres.stop() });
  return postgres.databaseUrl;
}
