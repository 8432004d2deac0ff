import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { bigImage, describeWith, dockerEngine, startEngine } from '#libs/testing';
import { accessTo, deployable, factsOf, holdingsOf, inSession, noNote, saved } from './docker-bench.js';

await describeWith([dockerEngine('26')], 'a Docker Engine that vanishes', () => {
  it('ends the import and the deployment that it is in the middle of; later ones carry on', async () => {
    await using engine = await startEngine('26');
    await bigImage(engine, 'big:1', 40_000_000);
    const bytes = await saved(engine, 'big:1');
    const facts = await factsOf(bytes, 'docker-image');
    const reading = inSession(accessTo(engine.location), async (session) => {
      const archive = await session.read(await session.describe('big:1'));
      let killed: Promise<void> | undefined;
      for await (const chunk of archive) if (chunk) await (killed ??= engine.kill());
    });
    await expect(reading).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE' });
    await engine.start();
    await engine.api('DELETE', '/images/big:1');
    const before = await holdingsOf(engine);

    const open = async () =>
      Readable.from(
        (async function* () {
          yield bytes.subarray(0, 10_000_000);
          await engine.kill();
          for (let at = 10_000_000; at < bytes.length; at += 2 ** 20) yield bytes.subarray(at, at + 2 ** 20);
        })(),
      );
    const marker = randomUUID();
    const write = (image: object = {}) =>
      inSession(accessTo(engine.location), (session) => session.write(deployable(bytes, facts, image), marker, noNote));
    await expect(write({ open })).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE' });
    await engine.start();
    await write();
    await inSession(accessTo(engine.location), (session) => session.remove({ marker, title: 'Tools', specifics: {} }));
    expect(await holdingsOf(engine)).toEqual(before);
  }, 60_000);
});
