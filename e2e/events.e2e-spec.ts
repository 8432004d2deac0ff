import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Image, type Job } from '#libs/contracts';
import { expectStatus, type ViceClient } from './client.js';
import { EventReader, type ReceivedEvent } from './event-reader.js';
import { inBothWays, startVice, type Vice } from './vice.js';

await inBothWays('events', [], (way) => {
  let vice: Vice;
  let ada: ViceClient;

  beforeAll(async () => {
    vice = await startVice(way);
    ada = await vice.newUser();
  }, 120_000);
  afterAll(async () => vice?.[Symbol.asyncDispose](), 60_000);

  test('tell of an image and its jobs as they change', async () => {
    await using events = await EventReader.open(ada);
    const image = await ada.uploadedImage(randomBytes(1024), { title: 'told of' });
    const ready = await events.heard('image', ({ id, status }: Image) => id === image.id && status === 'ready');
    expect(ready.data).toEqual(await ada.image(image.id));
    await events.heard('job', ({ action, state }: Job) => action === 'inspect' && state === 'succeeded');
    const statuses = events.all.filter(({ type, data }) => type === 'image' && (data as Image).id === image.id);
    expect(statuses.map(({ data }) => (data as Image).status)).toEqual(expect.arrayContaining(['empty', 'importing', 'ready']));
    expectStatus(200, await ada.delete(`/image/${image.id}`));
    await events.heard('image-deleted', ({ id }: Image) => id === image.id);
    expect(idsOf(events.all)).toEqual([...idsOf(events.all)].sort((a, b) => a - b));
  });

  test('go on where a client left off, with nothing missing and nothing twice', async () => {
    const first = await EventReader.open(ada);
    const before = await ada.createImage({ title: 'before' });
    const { id: last } = await first.heard('image', ({ id }: Image) => id === before.id);
    await first[Symbol.asyncDispose]();
    const missed = [await ada.createImage({ title: 'missed 1' }), await ada.createImage({ title: 'missed 2' })];
    await using second = await EventReader.open(ada, last);
    const later = await ada.createImage({ title: 'later' });
    await second.heard('image', ({ id }: Image) => id === later.id);
    expect(second.all.map(({ data }) => (data as Image).id)).toEqual([...missed, later].map(({ id }) => id));
  });

  test('go on after a restart of everything', async () => {
    const first = await EventReader.open(ada);
    const before = await ada.createImage({ title: 'before' });
    const { id: last } = await first.heard('image', ({ id }: Image) => id === before.id);
    const missed = await ada.createImage({ title: 'missed' });
    await vice.terminate();
    await first[Symbol.asyncDispose]();
    await vice.restart();
    await using second = await EventReader.open(ada, last);
    await second.heard('image', ({ id }: Image) => id === missed.id);
  }, 60_000);

  test('are each user’s own', async () => {
    const bob = await vice.newUser();
    await using ofBob = await EventReader.open(bob);
    await using ofAda = await EventReader.open(ada);
    const image = await ada.createImage({ title: 'public', visibility: 'public' });
    await ofAda.heard('image', ({ id }: Image) => id === image.id);
    const own = await bob.createImage({ title: 'of Bob' });
    await ofBob.heard('image', ({ id }: Image) => id === own.id);
    expect(ofBob.all.map(({ data }) => (data as Image).id)).toEqual([own.id]);
  });

  test('are not for anonymous clients, and need an id of theirs to go on from', async () => {
    expect((await vice.anonymous().get('/events')).status).toBe(401);
    expect((await ada.get('/events', { 'last-event-id': 'aeiou' })).status).toBe(400);
  });
});

/** Of stored events; progress has none. */
const idsOf = (events: readonly ReceivedEvent[]): number[] => events.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
