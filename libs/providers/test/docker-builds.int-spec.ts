import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { busyboxImage, describeWith, dockerEngine, startEngine, type EngineVersion, type TestEngine } from '#libs/testing';
import { accessTo, deployable, factsOf, holdingsOf, inSession, noNote } from './docker-bench.js';

const MARKER = '0b7e9c1a-2f3d-4a5b-8c7d-000000000001';

for (const version of ['20', '26c'] as EngineVersion[]) {
  await describeWith([dockerEngine(version)], `what a build leaves on a Docker Engine ${version}`, () => {
    let engine: TestEngine;
    let before: string[];
    beforeAll(async () => {
      engine = await startEngine(version);
      await busyboxImage(engine, 'own:1');
      before = await holdingsOf(engine);
    }, 120_000);
    afterAll(() => engine?.stop());
    afterEach(async () => expect(await holdingsOf(engine)).toEqual(before));

    const contextOf = async (files: Record<string, string>) => {
      const context = pack();
      for (const [name, content] of Object.entries(files)) context.entry({ name }, content);
      context.finalize();
      return buffer(context);
    };
    const build = async (content: string | Buffer, log: (line: string) => void = () => undefined, signal?: AbortSignal) => {
      const bytes = Buffer.from(content);
      const facts = await factsOf(bytes, 'docker-file');
      const image = deployable(bytes, facts, { contentType: 'docker-file', specifics: { networkMode: 'none' }, log });
      return inSession(accessTo(engine.location), (session) => session.write(image, MARKER, noNote), signal);
    };
    const remove = (reference?: string) =>
      inSession(accessTo(engine.location), (session) =>
        session.remove({ marker: MARKER, title: 'Tools', specifics: {}, ...(reference && { reference }) }),
      );
    /** As the registry does while an engine is busy. */
    const removeInTheEnd = async () => {
      for (let tries = 50; ; tries--) {
        try {
          return await remove();
        } catch (error) {
          if (tries === 0 || (error as { code?: string }).code !== 'ENVIRONMENT_BUSY') throw error;
          await delay(200);
        }
      }
    };

    it('is nothing more than the image, and leaves untagged images of the user built from the same Dockerfile', async () => {
      const dockerfile = 'FROM own:1\nRUN echo a > /a\nRUN echo b > /b\n';
      const body = Readable.from([await contextOf({ Dockerfile: dockerfile })]);
      await engine.api('POST', '/build?t=users:1&networkmode=none', { body });
      await engine.api('POST', '/images/own:1/tag?repo=users&tag=1');
      const users = await holdingsOf(engine);
      const { reference } = await build(dockerfile);
      await remove(reference);
      expect(await holdingsOf(engine)).toEqual(users);
      await engine.api('DELETE', '/images/users:1');
      await engine.api('POST', '/images/prune');
    });

    it('is nothing when a step fails', async () => {
      const failing = build('FROM own:1\nRUN echo a > /a\nRUN echo x && false\n');
      await expect(failing).rejects.toMatchObject({ code: 'ENVIRONMENT_REFUSED' });
    });

    it('is removed by the marker alone when it was cut off', async () => {
      const gone = new AbortController();
      const dockerfile = 'FROM own:1\nRUN echo a > /a\nRUN echo reached && sleep 30\n';
      const cut = build(dockerfile, (line) => /^reached/.test(line) && gone.abort(new Error('cut off')), gone.signal);
      await expect(cut).rejects.toThrow();
      await removeInTheEnd();
    }, 60_000);

    it('is nothing after several stages', async () => {
      const stages =
        'ARG V=1\nFROM own:$V AS made\nRUN echo staged > /a\nfrom own:1\nCOPY --from=made /a /b\nCMD ["/bin/cat", "/b"]\n';
      const { reference } = await build(stages);
      expect((await engine.run(reference)).output).toBe('staged\n');
      await remove(reference);
    });

    it.each([
      ['plain', undefined],
      ['gzip', undefined],
      ['plain', '*\n!note\n'],
    ])('is built of a %s tar whose .dockerignore is %j, with nothing of ours in the image', async (form, ignored) => {
      const context = await contextOf({
        Dockerfile: 'FROM own:1\nCOPY . /context/\nCMD ["/bin/sh", "-c", "ls -A1 /context"]\n',
        note: 'from the context\n',
        ...(ignored && { '.dockerignore': ignored }),
      });
      const { reference } = await build(form === 'gzip' ? gzipSync(context) : context);
      expect((await engine.run(reference)).output).toBe('Dockerfile\nnote\n');
      await remove(reference);
    });
  });
}
