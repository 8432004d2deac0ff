import { watchStore, type BlobStore } from '#libs/blobs';
import { UserCalls } from '#libs/contracts';
import { CallClient, type Closable, type ServiceParts } from '#libs/messaging';
import { type HealthChecks } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { createGateway } from './application.js';
import { serveDocument } from './openapi/docs-page.js';
import { openApiDocument } from './openapi/document.js';

const CHECK_DEADLINE_MS = 2000;

/** Starts the gateway on the configured host and port; `url` is where it listens. `checks`: what else its health is to tell of. */
export async function startGateway(
  parts: ServiceParts & { blobs: BlobStore; checks?: HealthChecks },
): Promise<Closable & { url: string }> {
  const { config, broker, blobs, logger, metrics, secretKey } = parts;
  watchStore(blobs, metrics);
  const box = SecretBox.fromKey(secretKey, config.otherSecretKeys);
  const calls = new CallClient(broker, CHECK_DEADLINE_MS);
  const checks = {
    ...parts.checks,
    broker: () => broker.check(),
    blobStore: () => blobs.check(),
    registry: async () => void (await calls.ask(UserCalls.checkKey, { keyId: box.keyId, opens: box.keyIds })),
  };
  const app = await createGateway({ config, broker, blobs, box, logger, metrics, checks });
  serveDocument(app.getHttpAdapter().getInstance(), openApiDocument(app));
  await app.listen(config.port, config.host);
  return {
    url: await app.getUrl(),
    /** Stops accepting, gives what is under way `shutdownMs`, then cuts it off. */
    async close() {
      const cutOff = setTimeout(() => app.getHttpServer().closeAllConnections(), config.shutdownMs);
      try {
        await app.close();
      } finally {
        clearTimeout(cutOff);
      }
    },
  };
}
