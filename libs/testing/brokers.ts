import { freePortWithOffsets } from './free-port.js';
import { runScript } from './scripts.js';
import { shortTempPath } from './temp-dir.js';

/** 3 = 3.10, 4 = 4.0 */
export type BrokerVersion = '3' | '4';

/** A RabbitMQ of the test's own, which it may cut, kill and restart. */
export interface TestBroker extends AsyncDisposable {
  version: BrokerVersion;
  /** `amqp://guest:guest@127.0.0.1:…` */
  url: string;
  /** Base of the management API, with its credentials: `http://guest:guest@127.0.0.1:…/api` */
  managementUrl: string;
  /** Of its plugin for Prometheus: `http://127.0.0.1:…`, which answers `/metrics` and `/metrics/detailed`. */
  metricsUrl: string;
  /** Closes all connections from the broker's side. */
  cutConnections(): Promise<void>;
  /** rabbitmqctl of this broker. */
  ctl(...args: string[]): Promise<string>;
  /** Ends it in good order; `start` brings it back with what it held. */
  halt(): Promise<void>;
  /**
   * Ends it by SIGKILL; `start` brings it back. RabbitMQ writes the names of new quorum queues down minutes after their declaration, and a queue
   * whose name is lost never answers again: so that a test need not wait, it is made to write them just before.
   */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes what it held. */
  stop(): Promise<void>;
}

/** The RabbitMQ that all tests share: `TEST_AMQP_URL`, or the one at the standard local address. */
export function brokerUrl(): string {
  return process.env['TEST_AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
}

/** Starts a broker on free ports; `conf` adds lines to its rabbitmq.conf, as `consumer_timeout = 10000`. Takes 5 to 10 s. */
export async function startBroker(version: BrokerVersion, conf: readonly string[] = []): Promise<TestBroker> {
  const dir = shortTempPath();
  const port = await freePortWithOffsets([1_000, 10_000, 10_020, 20_000]);
  const script = async (...args: string[]) => runScript('rabbitmq.sh', args, { CONF: conf.join('\n') });
  const start = async () => void (await script('start', dir, String(port), version));
  const stop = async () => void (await script('stop', dir));
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    version,
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${port + 10_000}/api`,
    metricsUrl: `http://127.0.0.1:${port + 10_020}`,
    cutConnections: async () => void (await script('ctl', dir, 'close_all_connections', 'cut by a test')),
    ctl: (...args) => script('ctl', dir, ...args),
    halt: async () => void (await script('stop-keep', dir)),
    kill: async () => {
      await script('ctl', dir, 'eval', '[dets:sync(Table) || Table <- dets:all()].');
      await script('kill', dir);
    },
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
