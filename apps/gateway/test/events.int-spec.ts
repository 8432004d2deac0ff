import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventCalls, type StoredEvent } from '#libs/contracts';
import { until } from '#libs/testing';
import { IMAGE, IMAGE_ID, JOB } from './fixtures.js';
import { RawConnection } from './raw-connection.js';
import { ADA, BASIC, TestGateway } from './test-gateway.js';

describe('streamEvents', () => {
  let gateway: TestGateway;
  let rows: StoredEvent[];

  beforeEach(async () => {
    gateway = await TestGateway.start();
    rows = [];
    gateway.answer(EventCalls.eventsSince, ({ userId, after, limit }) => {
      if (userId !== ADA.id) throw new Error('the user of someone else');
      const events = after === null ? [] : rows.filter(({ id }) => Number(id) > Number(after)).slice(0, limit);
      return { events, last: rows.at(-1)?.id ?? '0' };
    });
  });
  afterEach(() => gateway[Symbol.asyncDispose]());

  const stored = async (type: 'image' | 'image-deleted') => {
    const id = String(rows.length + 1);
    rows.push({ ...(type === 'image' ? { type, data: IMAGE } : { type, data: { id: IMAGE_ID } }), id, at: IMAGE.createdAt });
    await gateway.broadcast({ userId: ADA.id, kind: 'stored' });
  };

  async function listen(headers = ''): Promise<RawConnection> {
    const connection = await RawConnection.open(gateway.url);
    connection.send(
      `GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${BASIC}\r\nAccept: text/event-stream\r\n${headers}\r\n`,
    );
    await connection.expect('retry:');
    return connection;
  }

  it('tells of changes as they happen, in order, once, and of nothing before', async () => {
    await stored('image');
    using connection = await listen();
    await Promise.all([stored('image-deleted'), stored('image'), stored('image')]);
    const text = await connection.expect('id: 4');
    expect(text).toContain('Content-Type: text/event-stream'.toLowerCase());
    expect(text).toMatch(/^HTTP\/1.1 200 OK/);
    expect(text.match(/^id: \d+/gm)).toEqual(['id: 2', 'id: 3', 'id: 4']);
    expect(text).toContain(`id: 2\nevent: image-deleted\ndata: {"id":"${IMAGE_ID}"}\n\n`);
  });

  it('goes on after Last-Event-ID, also over more than a page', async () => {
    for (let i = 0; i < 250; i++) await stored('image-deleted');
    using connection = await listen('Last-Event-ID: 20\r\n');
    const text = await connection.expect('id: 250');
    expect(text.match(/^id: \d+/gm)).toHaveLength(230);
  });

  it('hands on progress, to its user alone, under no id', async () => {
    using connection = await listen();
    const change = { type: 'job' as const, data: { ...JOB, imageid: IMAGE_ID, deploymentid: null } };
    await gateway.broadcast({
      userId: 'someone else',
      kind: 'progress',
      change: { ...change, data: { ...change.data, bytesDone: 5 } },
    });
    await gateway.broadcast({ userId: ADA.id, kind: 'progress', change });
    const text = await connection.expect('event: job');
    expect(text).not.toContain('\nid: ');
    expect(text).not.toContain('"bytesDone":5');
  });

  it('refuses an id that is none, another form, and a request without a login', async () => {
    expect((await gateway.ask('/v1/events', { headers: { 'last-event-id': 'x' } })).status).toBe(400);
    expect((await gateway.ask('/v1/events', { headers: { accept: 'application/json' } })).status).toBe(406);
    expect((await gateway.ask('/v1/events', { anonymous: true })).status).toBe(401);
    expect(await gateway.ask('/v1/events', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('ends with the gateway', async () => {
    const other = await TestGateway.start();
    other.answer(EventCalls.eventsSince, () => ({ events: [], last: '0' }));
    using connection = await RawConnection.open(other.url);
    await connection.send(`GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${BASIC}\r\n\r\n`).expect('retry:');
    await other[Symbol.asyncDispose]();
    await until(() => connection.closed, { what: 'the stream has ended' });
  });
});
