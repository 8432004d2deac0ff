import { randomBytes } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectToBroker } from 'amqplib';
import { JOB_QUEUES } from '#libs/contracts';
import { callQueue, deadLetterQueue, eventExchange, jobQueue } from '../libs/messaging/topology.js';
import { brokerUrl } from '#libs/testing';

/** RabbitMQ behind a line of the test's own, which hears all and can be cut. */
export interface TappedBroker extends AsyncDisposable {
  url: string;
  queuePrefix: string;
  /** Whether this text has crossed the line, in either direction. */
  carried(text: string): boolean;
  /** Breaks all connections, as a network does; new ones are taken. */
  cut(): void;
  connections(): number;
}

/** @param target of RabbitMQ; the shared one by default. Queues get a prefix of their own, and go at the end. */
export async function tapBroker(target = brokerUrl()): Promise<TappedBroker> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const heard: Buffer[] = [];
  const server = createServer((inner) => {
    const outer = connect(Number(port || 5672), hostname);
    const join = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => void heard.push(chunk));
      from.on('error', () => undefined).on('close', () => (sockets.delete(from), to.destroy()));
      from.pipe(to);
    };
    join(inner, outer);
    join(outer, inner);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const queuePrefix = `vice-e2e-${randomBytes(4).toString('hex')}`;
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: url.href,
    queuePrefix,
    carried: (text) => Buffer.concat(heard).includes(text),
    cut,
    connections: () => sockets.size / 2,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => (server.close(resolve), cut()));
      await removeQueues(target, queuePrefix);
    },
  };
}

async function removeQueues(target: string, prefix: string): Promise<void> {
  const connection = await connectToBroker(target);
  const channel = await connection.createChannel();
  const queues = [
    ...JOB_QUEUES.flatMap((queue) => [jobQueue(prefix, queue), deadLetterQueue(prefix, queue)]),
    ...(['registry', 'import-worker'] as const).map((service) => callQueue(prefix, service)),
  ];
  for (const { name } of queues) await channel.deleteQueue(name);
  await channel.deleteExchange(eventExchange(prefix).name);
  await connection.close();
}
