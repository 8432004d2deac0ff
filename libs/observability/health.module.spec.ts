import { expect, test } from '@jest/globals';
import { Degraded, HealthModule, type HealthChecks } from './health.module.js';

/** What `/health/ready` answers, and with which status. */
async function ready(checks: HealthChecks): Promise<{ status: number; body: unknown }> {
  const { controllers: [Controller] = [] } = HealthModule.register(checks);
  let status = 0;
  const controller = new (Controller as new (checks: HealthChecks) => { ready(reply: object): Promise<unknown> })(checks);
  const body = await controller.ready({ status: (code: number) => (status = code) });
  return { status, body };
}

const works = async () => {};
const fails = (error: Error) => async () => {
  throw error;
};

test('a service is ready while all its parts work', async () => {
  expect(await ready({ broker: works })).toEqual({ status: 200, body: { status: 'up', parts: { broker: { status: 'up' } } } });
});

test('a service whose part is down is not ready, and says why', async () => {
  expect(await ready({ broker: works, blobs: fails(new Error('no disk')) })).toMatchObject({
    ...{
      status: 503,
      body: { status: 'down', parts: { broker: { status: 'up' }, blobs: { status: 'down', reason: 'no disk' } } },
    },
  });
});

test('a service that lacks what it can do without is ready, and names it', async () => {
  expect(await ready({ broker: works, tools: fails(new Degraded('qemu-img missing')) })).toMatchObject({
    ...{ status: 200, body: { status: 'up', parts: { tools: { status: 'degraded', reason: 'qemu-img missing' } } } },
  });
});
