import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { loadConfig } from '#libs/config';
import { HealthModule } from '#libs/observability';
import { freePort, until } from '#libs/testing';
import { startNestService } from '../nest-service.js';
import { quiet } from './rabbit-place.js';

/** A way in that ends when its last job has. */
class BusyWayIn extends Server implements CustomTransportStrategy {
  isEnding = false;
  endJob: () => void = () => undefined;
  private readonly ended = new Promise<void>((resolve) => (this.endJob = resolve));

  listen(started: () => void): void {
    started();
  }

  async close(): Promise<void> {
    this.isEnding = true;
    await this.ended;
  }

  on(): never {
    throw new Error('it emits no events');
  }

  unwrap<T>(): T {
    return this as unknown as T;
  }
}

@Module({})
class Service {}

test('a service that is closed answers how it is until its last job has ended, and tells others at once that it ends', async () => {
  const port = await freePort();
  const config = loadConfig('standalone', { HOST: '127.0.0.1', PORT: String(port) });
  const jobs = new BusyWayIn();
  let othersKnow = false;
  const telling = { provide: 'telling', useValue: { beforeApplicationShutdown: async () => void (othersKnow = true) } };
  const module = { module: Service, imports: [HealthModule.register({})], providers: [telling] };
  const service = await startNestService(module, [jobs], { config, logger: quiet, listen: true });
  const health = () => fetch(`http://127.0.0.1:${port}/health/live`).then(({ status }) => status);

  const closing = service.close();
  await until(() => jobs.isEnding && othersKnow, { what: 'its way in ends, and others are told' });
  expect(await health()).toBe(200);
  jobs.endJob();
  await closing;
  await expect(health()).rejects.toThrow('fetch failed');
});
