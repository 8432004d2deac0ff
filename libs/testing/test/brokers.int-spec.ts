import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { describeWith, rabbitmqOwn, startBroker } from '../index.js';

for (const version of ['3', '4'] as const) {
  await describeWith([rabbitmqOwn(version)], `a RabbitMQ ${version} of its own`, () => {
    test('starts with the wanted settings, cuts connections, and keeps its queues over a kill and a restart', async () => {
      await using broker = await startBroker(version, ['consumer_timeout = 61000']);
      const overview = (await (await fetch(...managementOverview(broker.managementUrl))).json()) as { rabbitmq_version: string };
      expect(overview.rabbitmq_version).toMatch(version === '3' ? /^3\.10\./ : /^4\.0\./);
      expect(await broker.ctl('eval', 'application:get_env(rabbit, consumer_timeout).')).toContain('61000');

      const connection = await connect(broker.url);
      connection.on('error', () => undefined);
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => undefined);
      await channel.assertQueue('kept', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      channel.sendToQueue('kept', Buffer.from('message'), { persistent: true });
      await channel.waitForConfirms();
      const closed = once(connection, 'close');
      await broker.cutConnections();
      await closed;

      await broker.kill();
      await broker.start();
      await broker.halt();
      await broker.start();
      const again = await connect(broker.url);
      const message = new Promise((resolve) => {
        void again.createChannel().then((each) => each.consume('kept', (delivery) => resolve(delivery?.content.toString())));
      });
      expect(await message).toBe('message');
      await again.close();
    }, 120_000);
  });
}

function managementOverview(managementUrl: string): [string, RequestInit] {
  const { origin, username, password } = new URL(managementUrl);
  return [`${origin}/api/overview`, { headers: { authorization: `Basic ${btoa(`${username}:${password}`)}` } }];
}
