import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { JobCalls, Jobs, RemoteCalls, type EnvironmentCheck, type ImportedBlob, type ImportImagePayload } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { CallClient, CallHandler, CallServer, currentDeadline, JobHandler, JobServer, MessagingModule } from '../index.js';
import { type Broker, type CallContext, type RunningJob } from '../index.js';
import { createBroker } from '../create-broker.js';
import { quiet } from './rabbit-place.js';
import { RowTable } from './row-table.js';

type Question = { userId: string; environmentId: string };
const seen: unknown[] = [];

@Controller()
class Remotes {
  constructor(private readonly client: CallClient) {}

  @CallHandler(RemoteCalls.checkEnvironment)
  async check({ environmentId }: Question, context: CallContext): Promise<EnvironmentCheck> {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(this.client instanceof CallClient, currentDeadline() === context.deadline, context.expired());
    if (environmentId === 'unknown') throw new ViceError('ENVIRONMENT_NOT_FOUND', 'no such environment');
    if (environmentId === 'broken') throw new TypeError('inside');
    return { ok: true, message: environmentId };
  }

  @CallHandler(RemoteCalls.listRemoteImages)
  async list() {
    return { images: [], next: null };
  }
}

@Controller()
class Imports {
  @JobHandler(Jobs.importImage)
  async run({ imageId }: ImportImagePayload, job: RunningJob): Promise<ImportedBlob> {
    if (imageId === 'refused') throw new ViceError('CREDENTIALS_REFUSED', 'wrong password');
    return { digest: job.writer, size: 1, contentType: null, name: imageId, metadata: {} };
  }

  @JobHandler(Jobs.disposeTemporaries)
  async dispose() {
    return {};
  }
}

@Controller()
class Foreign {
  @CallHandler(JobCalls.reportJob)
  async report() {
    return {};
  }
}

/** The compiler is the test: what a handler takes and gives is what its declaration says. */
export class Mistyped {
  // @ts-expect-error the answer is of another type
  @CallHandler(RemoteCalls.checkEnvironment)
  async answersSomethingElse(): Promise<number> {
    return 1;
  }

  // @ts-expect-error the request has no such field
  @CallHandler(RemoteCalls.listRemoteImages)
  async asksForMore({ nonsense }: { nonsense: string }) {
    return { images: [], next: nonsense };
  }

  // @ts-expect-error the result is of another type
  @JobHandler(Jobs.inspectBlob)
  async reportsSomethingElse(): Promise<string> {
    return '';
  }
}

describe('handlers in a Nest application', () => {
  let close = async () => {};
  afterEach(() => close());

  const start = async (controllers: Type[]): Promise<Broker> => {
    const broker = await createBroker({ amqpUrl: null, queuePrefix: '', logger: quiet });
    @Module({ imports: [MessagingModule.register({ broker })], controllers })
    class App {}
    const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false });
    close = async () => {
      await app.close();
      await broker[Symbol.asyncDispose]();
    };
    const options = {
      kind: 'import',
      broker,
      ask: new CallClient(broker).ask,
      concurrency: 1,
      shutdownMs: 100,
      logger: quiet,
    } as const;
    app.connectMicroservice({ strategy: new CallServer('import-worker', broker, quiet) });
    app.connectMicroservice({ strategy: new JobServer(options) });
    await app.startAllMicroservices();
    return broker;
  };

  test('calls are answered by their methods, which know their deadline', async () => {
    const { ask } = new CallClient(await start([Remotes, Imports]));
    expect(await ask(RemoteCalls.checkEnvironment, { userId: 'u', environmentId: 'e' })).toEqual({ ok: true, message: 'e' });
    expect(seen).toEqual([true, true, false]);
    expect(currentDeadline()).toBeUndefined();
  });

  test('their errors cross as they are; what is no ViceError is hidden', async () => {
    const { ask } = new CallClient(await start([Remotes, Imports]));
    const check = (environmentId: string) => ask(RemoteCalls.checkEnvironment, { userId: 'u', environmentId });
    await expect(check('unknown')).rejects.toMatchObject({ code: 'ENVIRONMENT_NOT_FOUND', message: 'no such environment' });
    await expect(check('broken')).rejects.toMatchObject({ code: 'INTERNAL', message: expect.not.stringContaining('inside') });
  });

  test('a call that is not known here is UNAVAILABLE: another release may know it', async () => {
    const broker = await start([Remotes, Imports]);
    await expect(broker.request('import-worker', 'new.call', {}, { deadlineMs: 1_000 })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  test('jobs are run by their methods', async () => {
    const broker = await start([Remotes, Imports]);
    const table = new RowTable(broker, 5_000);
    await table.open();
    const good = await table.add({ imageId: 'i' });
    const bad = await table.add({ imageId: 'refused' });
    await until(() => good.state === 'succeeded' && bad.state === 'failed', { what: 'both have ended' });
    expect(good.reports[0]?.outcome).toMatchObject({ result: { digest: `${good.id}.1`, name: 'i' } });
    expect(bad.reports[0]?.outcome).toMatchObject({ code: 'CREDENTIALS_REFUSED', transient: false });
    await table.close();
  });

  test.each<[string, Type[], RegExp]>([
    ['a call has no handler', [Imports], /environment\.check has no handler; environment\.images has no handler/],
    ['a call has two handlers', [Remotes, class extends Remotes {}, Imports], /environment\.check has more than one handler/],
    ['a handler is for another service', [Remotes, Imports, Foreign], /job\.report belongs to registry/],
    ['a job has no handler', [Remotes], /import has no handler/],
  ])('nothing starts where %s', async (_fault, controllers, message) => {
    await expect(start(controllers)).rejects.toThrow(message);
  });
});
