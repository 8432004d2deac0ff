import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broadcast, type JobMessage } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { type Broker, type CallListener, type DeadMessage, type JobDelivery, type Subscription } from '../broker.js';

/** What holds for every broker, a rule per test. */
export function brokerSuite(open: () => Promise<Broker>): void {
  let broker: Broker;
  beforeAll(async () => {
    broker = await open();
  }, 60_000);
  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
  });

  const ask = (body: unknown, deadlineMs = 5_000) => broker.request('registry', 'greet', body, { deadlineMs });
  const serving = async (handle: CallListener, run: () => Promise<void>, concurrency?: number) => {
    const subscription = await broker.serve('registry', handle, { concurrency });
    await run().finally(() => subscription.close());
  };

  describe('calls', () => {
    test('an answer comes back as the JSON that it is', async () => {
      await serving(
        async (name, body) => ({ name, body, at: new Date(0), nothing: undefined }),
        async () => {
          expect(await ask({ who: 'ünïcode', list: [1, null] })).toEqual({
            name: 'greet',
            body: { who: 'ünïcode', list: [1, null] },
            at: '1970-01-01T00:00:00.000Z',
          });
        },
      );
    });

    test('nothing is shared by reference', async () => {
      const heard: unknown[] = [];
      const sent = { list: [1] };
      await serving(
        async (_name, body) => heard.push(body) && sent,
        async () => {
          const asking = ask(sent);
          sent.list.push(2);
          const answer = await asking;
          expect(heard).toEqual([{ list: [1] }]);
          expect(answer).not.toBe(sent);
        },
      );
    });

    test('no answer is null', async () => {
      await serving(
        async () => undefined,
        async () => expect(await ask(undefined)).toBeNull(),
      );
    });

    test('an error crosses with its code, message and fields', async () => {
      const fields = [{ field: 'title', message: 'must be text' }];
      await serving(
        async () => {
          throw new ViceError('INVALID_INPUT', 'the image is at fault', { fields, retryAfter: 7, cause: new Error('inside') });
        },
        async () => {
          const error = await ask(1).catch((e: unknown) => e);
          expect(error).toBeInstanceOf(ViceError);
          expect(error).toMatchObject({ code: 'INVALID_INPUT', message: 'the image is at fault', fields, retryAfter: 7 });
        },
      );
    });

    test('an unknown error is INTERNAL, and its message stays inside', async () => {
      await serving(
        async () => {
          throw new Error('password=hunter2');
        },
        async () => {
          const error = (await ask(1).catch((e: unknown) => e)) as ViceError;
          expect(error.code).toBe('INTERNAL');
          expect(JSON.stringify(error.toWire())).not.toContain('hunter2');
        },
      );
    });

    test('a call to a service that is not there is UNAVAILABLE at once, and says when to try again', async () => {
      const before = performance.now();
      const error = await broker.request('import-worker', 'x', {}, { deadlineMs: 20_000 }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'UNAVAILABLE', retryAfter: expect.any(Number) });
      expect(performance.now() - before).toBeLessThan(5_000);
    });

    test('a call to a service that has gone is UNAVAILABLE too', async () => {
      await serving(
        async () => 1,
        async () => expect(await ask(1)).toBe(1),
      );
      await until(
        () =>
          ask(1).then(
            () => false,
            (e: ViceError) => e.code === 'UNAVAILABLE',
          ),
        { what: 'it is refused' },
      );
    });

    test('the caller gives up at the deadline, and the handler knows it', async () => {
      let expired: (() => boolean) | undefined;
      let gaveUp = false;
      await serving(
        async (_name, _body, context) => {
          expired = () => context.expired();
          expect(context.deadline).toBeGreaterThan(Date.now() - 1_000);
          await until(() => gaveUp, { what: 'the caller gave up' });
        },
        async () => {
          await expect(ask(1, 200)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
          gaveUp = true;
          await until(() => expired?.(), { what: 'the handler saw the deadline' });
        },
      );
    });

    test('a call that waited past its deadline is dropped: nothing happens after the caller was told so', async () => {
      const heard: unknown[] = [];
      let letGo = () => {};
      const held = new Promise<void>((resolve) => (letGo = resolve));
      await serving(
        async (_name, body) => {
          heard.push(body);
          if (body === 'first') await held;
          return body;
        },
        async () => {
          const first = ask('first');
          await until(() => heard.length === 1, { what: 'the first call is in hand' });
          await expect(ask('late', 100)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
          letGo();
          expect(await first).toBe('first');
          expect(await ask('next')).toBe('next');
          expect(heard).toEqual(['first', 'next']);
        },
        1,
      );
    });

    test('no more calls are worked on at once than allowed', async () => {
      let now = 0;
      let most = 0;
      await serving(
        async () => {
          most = Math.max(most, ++now);
          await new Promise((resolve) => setTimeout(resolve, 5));
          now -= 1;
        },
        async () => {
          await Promise.all(Array.from({ length: 20 }, () => ask(1)));
          expect(most).toBe(3);
        },
        3,
      );
    });

    test('a service that closes still answers what it has in hand', async () => {
      let letGo = () => {};
      const started = jest.fn();
      const subscription = await broker.serve('registry', async () => {
        started();
        await new Promise<void>((resolve) => (letGo = resolve));
        return 'done';
      });
      const asking = ask(1);
      await until(() => started.mock.calls.length === 1, { what: 'the call is in hand' });
      await subscription.close();
      letGo();
      expect(await asking).toBe('done');
    });
  });

  describe('jobs', () => {
    const message = (jobId: string, attempt = 1): JobMessage => ({ jobId, attempt });
    const taking = async (prefetch: number, run: (taken: JobDelivery[], subscription: Subscription) => Promise<void>) => {
      const taken: JobDelivery[] = [];
      const subscription = await broker.consumeJobs('export', prefetch, (delivery) => taken.push(delivery));
      await run(taken, subscription).finally(async () => {
        await subscription.close();
        for (const delivery of taken) delivery.ack();
      });
    };

    test('a published job is delivered as it was, after the turn of its publisher', async () => {
      await taking(1, async (taken) => {
        const sent = message('a', 3);
        const publishing = broker.publishJob('export', sent);
        expect(taken).toHaveLength(0);
        await publishing;
        await until(() => taken.length === 1, { what: 'it is delivered' });
        expect(taken[0]).toMatchObject({ message: sent, redelivered: false });
      });
    });

    test('no more are delivered than may be in hand; the rest waits and is counted', async () => {
      await taking(2, async (taken) => {
        for (const id of ['a', 'b', 'c']) await broker.publishJob('export', message(id));
        await until(() => taken.length === 2, { what: 'two are delivered' });
        await until(async () => (await broker.depths()).export.ready === 1, { what: 'one waits' });
        expect((await broker.depths()).export.consumers).toBe(1);
        taken[0]?.ack();
        await until(() => taken.length === 3, { what: 'the third is delivered' });
      });
      await until(async () => (await broker.depths()).export.consumers === 0, { what: 'the consumer is not counted any more' });
      expect((await broker.depths()).export.ready).toBe(0);
    });

    test('what is released is delivered again, and says so', async () => {
      await taking(1, async (taken) => {
        await broker.publishJob('export', message('a'));
        await until(() => taken.length === 1, { what: 'it is delivered' });
        taken[0]?.release();
        taken[0]?.ack();
        await until(() => taken.length === 2, { what: 'it is delivered again' });
        expect(taken[1]).toMatchObject({ message: message('a'), redelivered: true });
      });
    });

    test('what runs when a consumer closes can still be settled; what waits goes to the next', async () => {
      await taking(1, async (taken, subscription) => {
        await broker.publishJob('export', message('a'));
        await broker.publishJob('export', message('b'));
        await until(() => taken.length === 1, { what: 'one is delivered' });
        await subscription.close();
        taken[0]?.ack();
        await taking(2, async (next) => {
          await until(() => next.length === 1, { what: 'the other is delivered' });
          expect(next[0]?.message.jobId).toBe('b');
        });
      });
    });

    test('what was given back too often is read as a dead letter, until that was handled', async () => {
      let deliveries = 0;
      const consumer = await broker.consumeJobs('convert', 1, ({ release }) => {
        deliveries += 1;
        release();
      });
      await broker.publishJob('convert', message('poison', 2));
      await until(async () => (await broker.deadLetters()).convert === 1, { what: 'it is counted as a dead letter' });
      const dead: DeadMessage[] = [];
      const reader = await broker.consumeDeadLetters('convert', async (letter) => {
        dead.push(letter);
        if (dead.length === 1) throw new Error('the database is away');
      });
      await until(() => dead.length === 2, { what: 'the dead letter was handled again' });
      expect(dead[0]).toEqual({
        ...{ queue: 'convert', message: message('poison', 2), body: JSON.stringify(message('poison', 2)) },
        ...{ reason: 'delivery_limit', count: 1, messageId: expect.any(String) },
      });
      expect(dead[1]).toEqual(dead[0]);
      expect([deliveries, await broker.deadLetters()]).toEqual([21, { import: 0, export: 0, store: 0, convert: 0 }]);
      await Promise.all([consumer.close(), reader.close()]);
    });

    test('what is refused is a dead letter at once', async () => {
      const dead: DeadMessage[] = [];
      const reader = await broker.consumeDeadLetters('export', async (letter) => void dead.push(letter));
      const consumer = await broker.consumeJobs('export', 1, ({ refuse }) => refuse());
      await broker.publishJob('export', message('nobody', 3));
      await until(() => dead.length === 1, { what: 'the dead letter is read' });
      expect(dead[0]).toMatchObject({ message: message('nobody', 3), reason: 'rejected', count: 1 });
      await consumer.close();
      await reader.close();
    });

    test('what says nothing of a job is a dead letter too, and the job behind it is taken', async () => {
      const dead: DeadMessage[] = [];
      const reader = await broker.consumeDeadLetters('export', async (letter) => void dead.push(letter));
      await taking(1, async (taken) => {
        await broker.publishJob('export', { hello: 'world' } as unknown as JobMessage);
        await broker.publishJob('export', message('a'));
        await until(() => taken.length === 1 && dead.length === 1, { what: 'both are read' });
        expect(taken[0]?.message.jobId).toBe('a');
      });
      expect(dead).toEqual([
        { queue: 'export', message: null, body: '{"hello":"world"}', reason: 'rejected', count: 1, messageId: null },
      ]);
      await reader.close();
    });

    test('depths tell of every queue', async () => {
      expect(Object.keys(await broker.depths()).sort()).toEqual(['convert', 'export', 'import', 'store']);
    });
  });

  describe('events', () => {
    const told: Broadcast = { kind: 'stored', userId: 'u' };

    test('every listener hears a broadcast, until it closes', async () => {
      const first: Broadcast[] = [];
      const second: Broadcast[] = [];
      const one = await broker.onBroadcast((event) => first.push(event));
      const two = await broker.onBroadcast((event) => second.push(event));
      await broker.broadcast(told);
      await until(() => first.length === 1 && second.length === 1, { what: 'both have heard it' });
      expect(first).toEqual([told]);
      await one.close();
      await broker.broadcast(told);
      await until(() => second.length === 2, { what: 'the other has heard it' });
      expect(first).toHaveLength(1);
      await two.close();
    });

    test('a listener that throws harms no other', async () => {
      const heard: Broadcast[] = [];
      const bad = await broker.onBroadcast(() => {
        throw new Error('oops');
      });
      const good = await broker.onBroadcast((event) => heard.push(event));
      await broker.broadcast(told);
      await broker.broadcast(told);
      await until(() => heard.length === 2, { what: 'the other has heard both' });
      await bad.close();
      await good.close();
    });
  });

  test('it is ready', async () => {
    await expect(broker.check()).resolves.toBeUndefined();
  });
}
