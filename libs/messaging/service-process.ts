import { setFlagsFromString } from 'node:v8';
import { UserCalls } from '#libs/contracts';
import { loadConfig, refuseArguments, type AppName, type ViceConfig } from '#libs/config';
import { ViceError } from '#libs/errors';
import { Metrics, type Logger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { type Broker } from './broker.js';
import { CallClient } from './calls/call-client.js';
import { createBroker } from './create-broker.js';
import { observeProcess } from './observed-process.js';
import { healthMeanwhile } from './health-meanwhile.js';
import { startFault } from './start-fault.js';

export interface Closable {
  close(): Promise<void>;
}

export interface ServiceParts {
  config: ViceConfig;
  broker: Broker;
  logger: Logger;
  metrics: Metrics;
  /** 32 bytes, base64. */
  secretKey: string;
  /** Aborts at the signal to end: what is still starting gives up. */
  stopping?: AbortSignal;
}

const ASK_AGAIN_MS = 2000;

/** A service as a process of its own: configuration, broker, service, until SIGTERM or SIGINT. What keeps it from starting is said on standard error. */
export async function runService(
  app: Exclude<AppName, 'standalone'>,
  start: (parts: ServiceParts) => Promise<Closable>,
): Promise<void> {
  await runUntilSignal(async (stopping) => {
    const config = loadConfig(app);
    const secretKey = config.secretKey ?? '';
    const { logger, tracing } = await observeProcess(config);
    const metrics = new Metrics(app);
    const connecting = createBroker({ amqpUrl: config.amqpUrl, queuePrefix: config.queuePrefix, logger });
    const broker = await healthMeanwhile('broker', unlessStopped(connecting, stopping), { config, logger, metrics });
    const service = await start({ config, broker, logger, metrics, secretKey, stopping });
    if (app !== 'registry') refuseForeignKey(broker, SecretBox.fromKey(secretKey, config.otherSecretKeys), logger);
    logger.info({ host: config.host, port: config.port }, `the ${app} is up`);
    return {
      async close() {
        await service.close();
        await broker[Symbol.asyncDispose]();
        await tracing.close();
      },
    };
  });
}

/** At Ctrl-C the terminal signals us, and npm, which it signals too, passes the signal on: the second one is an echo. */
const ECHO_MS = 1_000;

/**
 * V8 counts the buffers that pass through a transfer as growth of the heap, and beside a heap that hardly grows by itself it marks
 * everything anew after every 8 MiB of them: more than half of the processor time of an upload. So the heap may double before it does that.
 */
const HEAP_GROWTH = '--heap-growing-percent=100';

/** Starts, and closes at SIGTERM or SIGINT, which a start that waits hears of by `stopping`; a second signal ends the process at once. */
export async function runUntilSignal(start: (stopping: AbortSignal) => Promise<Closable>): Promise<void> {
  refuseArguments('This starts a service of ViCE. All its settings are variables of the environment: README.md lists them.');
  setFlagsFromString(HEAP_GROWTH);
  const stopping = new AbortController();
  const signalled = new Promise<void>((resolve) => {
    let first: number | null = null;
    const onSignal = () => {
      if (first === null) {
        first = performance.now();
        stopping.abort();
        resolve();
      } else if (performance.now() - first > ECHO_MS) process.exit(130);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
  try {
    const service = await start(stopping.signal);
    await signalled;
    await service.close();
    process.exit(0);
  } catch (error) {
    if (stopping.signal.aborted && isAbort(error)) process.exit(0);
    process.stderr.write(`${startFault(error)}\n`);
    process.exit(1);
  }
}

/** What is awaited, or an AbortError as soon as the process is to end. */
async function unlessStopped<T>(awaited: Promise<T>, stopping: AbortSignal): Promise<T> {
  stopping.throwIfAborted();
  const stopped = new Promise<never>((_, reject) =>
    stopping.addEventListener('abort', () => reject(stopping.reason as Error), { once: true }),
  );
  return Promise.race([awaited, stopped]);
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Ends the process when our keys are not the database's. While no registry answers, it is asked again. */
function refuseForeignKey(broker: Broker, { keyId, keyIds }: SecretBox, logger: Logger): void {
  const { ask } = new CallClient(broker);
  const check = () =>
    void ask(UserCalls.checkKey, { keyId, opens: keyIds }).catch((error: unknown) => {
      if (error instanceof ViceError && error.code === 'CONFIGURATION') {
        process.stderr.write(`${error.message}\n`);
        process.exit(1);
      }
      logger.warn({ reason: error instanceof Error ? error.message : String(error) }, 'no registry answers yet; asking again');
      setTimeout(check, ASK_AGAIN_MS).unref();
    });
  check();
}
