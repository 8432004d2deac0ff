import { describe, expect, it } from '@jest/globals';
import { ImageCalls } from '#libs/contracts';
import { until } from '#libs/testing';
import { IMAGE, IMAGE_ID } from './fixtures.js';
import { RawConnection } from './raw-connection.js';
import { TestGateway } from './test-gateway.js';

describe('connections', () => {
  it('answers what is no HTTP with a problem', async () => {
    await using gateway = await TestGateway.start();
    using connection = await RawConnection.open(gateway.url);
    const text = await connection.send('NONSENSE\r\n\r\n').expect('MALFORMED_REQUEST');
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('Content-Type: application/problem+json');
    await until(() => connection.closed, { what: 'the connection is closed' });
  });

  it('says that headers are too large', async () => {
    await using gateway = await TestGateway.start();
    using connection = await RawConnection.open(gateway.url);
    const text = await connection
      .send(`GET /v1/images HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)
      .expect('HEADERS_TOO_LARGE');
    expect(text).toMatch(/^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
  });

  it('finishes what is under way when it closes', async () => {
    const gateway = await TestGateway.start();
    let answer = () => undefined as void;
    gateway.answer(ImageCalls.getImage, () => new Promise((resolve) => (answer = () => resolve(IMAGE))));
    const asked = gateway.ask(`/v1/image/${IMAGE_ID}`);
    await until(() => gateway.askedOf(ImageCalls.getImage).length === 1, { what: 'the request is under way' });
    const closed = gateway[Symbol.asyncDispose]();
    await until(
      () =>
        gateway.ask('/health/live').then(
          () => false,
          () => true,
        ),
      { what: 'nothing new is accepted' },
    );
    answer();
    expect((await asked).status).toBe(200);
    await closed;
  });

  it('cuts off what does not end in time', async () => {
    const gateway = await TestGateway.start({ VICE_SHUTDOWN_SECONDS: '1' });
    gateway.answer(ImageCalls.getImage, () => new Promise(() => undefined));
    const asked = gateway.ask(`/v1/image/${IMAGE_ID}`).then(
      () => 'answered',
      () => 'cut off',
    );
    await until(() => gateway.askedOf(ImageCalls.getImage).length === 1, { what: 'the request is under way' });
    await gateway[Symbol.asyncDispose]();
    expect(await asked).toBe('cut off');
  });
});
