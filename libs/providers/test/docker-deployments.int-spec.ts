import { gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { busyboxImage, describeWith, dockerEngine, startEngine, type EngineVersion, type TestEngine } from '#libs/testing';
import { accessTo, deployable, factsOf, foreignArchive, holdingsOf, inSession, noNote } from './docker-bench.js';
import { type DeployableImage } from '../index.js';

const MARKER = '0b7e9c1a-2f3d-4a5b-8c7d-000000000001';
const OTHER_MARKER = '1c8fad2b-2f3d-4a5b-8c7d-000000000002';

for (const [version, other] of [
  ['20', '26c'],
  ['26', '20'],
  ['26c', '20'],
] as [EngineVersion, EngineVersion][]) {
  await describeWith([dockerEngine(version), dockerEngine(other)], `deployments on a Docker Engine ${version}`, () => {
    let engine: TestEngine;
    let archive: { bytes: Buffer; facts: JsonObject };
    let before: string[];
    beforeAll(async () => {
      archive = await foreignArchive(other);
      engine = await startEngine(version);
      await busyboxImage(engine, 'own:1');
      before = await holdingsOf(engine);
    }, 120_000);
    afterAll(() => engine?.stop());

    const write = (marker = MARKER, image: Partial<DeployableImage> = {}) =>
      inSession(accessTo(engine.location), (session) =>
        session.write(deployable(archive.bytes, archive.facts, image), marker, noNote),
      );
    const remove = (marker = MARKER, specifics: JsonObject = {}, reference?: string) =>
      inSession(accessTo(engine.location), (session) =>
        session.remove({ marker, title: 'Tools', specifics, ...(reference && { reference }) }),
      );
    const load = () => engine.api('POST', '/images/load', { body: Readable.from([archive.bytes]) });

    it('tags with title and id, runs, and renames nothing that is there', async () => {
      await engine.api('POST', '/images/own:1/tag?repo=foreign&tag=1');
      const { reference, facts } = await write();
      expect(await engine.tags()).toEqual(['foreign:1', 'own:1', 'tools:vice-0b7e9c1a2f3d']);
      expect(await engine.imageId('tools:vice-0b7e9c1a2f3d')).toBe(reference);
      expect(await engine.imageId('foreign:1')).toBe(await engine.imageId('own:1'));
      expect(facts).toMatchObject({
        imageId: reference,
        layers: archive.facts.diffIds,
        configDigest: archive.facts.configDigest,
      });
      expect(facts.verified).toBe(version === '26c' ? 'layers and configuration' : 'config digest');
      expect((await engine.run(reference)).output).toBe(`hello from ${other}\n`);
      await remove(MARKER, {}, reference);
      await engine.api('DELETE', '/images/foreign:1');
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('leaves an image that was there before under its own tags', async () => {
      await load();
      const there = await holdingsOf(engine);
      const { reference } = await write();
      await remove(MARKER, {}, reference);
      expect(await holdingsOf(engine)).toEqual(there);
      await engine.api('DELETE', '/images/foreign:1');
    });

    it('leaves an image that was there before, also when its own tag moved meanwhile', async () => {
      await load();
      const id = (await engine.imageId('foreign:1')) ?? '';
      const { reference } = await write();
      await engine.api('POST', '/images/own:1/tag?repo=foreign&tag=1');
      await remove(MARKER, {}, reference);
      expect(await holdingsOf(engine)).toContain(id);
      await engine.api('DELETE', `/images/${id}`);
      await engine.api('DELETE', '/images/foreign:1');
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('leaves a wished tag to the other deployments that wished for it, and takes it away with the last', async () => {
      const specifics = { tag: 'mine:1' };
      const { reference } = await write(MARKER, { specifics });
      await write(OTHER_MARKER, { specifics });
      await remove(MARKER, specifics, reference);
      expect(await engine.imageId('mine:1')).toBe(reference);
      await remove(OTHER_MARKER, specifics, reference);
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('leaves an image that was there before without a tag, also between two deployments of it', async () => {
      await load();
      const id = (await engine.imageId('foreign:1')) ?? '';
      await engine.api('POST', '/images/own:1/tag?repo=foreign&tag=1');
      await engine.api('DELETE', '/images/foreign:1');
      const there = await holdingsOf(engine);
      expect(there.some((line) => line === id)).toBe(true);
      const { reference } = await write();
      expect(reference).toBe(id);
      await write(OTHER_MARKER);
      await remove(MARKER, {}, reference);
      await remove(OTHER_MARKER, {}, reference);
      expect(await holdingsOf(engine)).toEqual(there);
      await engine.api('DELETE', `/images/${id}`);
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('tags as wished, and takes that away again', async () => {
      const specifics = { tag: 'research/tools:2' };
      const { reference, facts } = await write(MARKER, { specifics });
      expect(await engine.imageId('research/tools:2')).toBe(reference);
      expect(facts.tags).toContain('research/tools:2');
      await write(MARKER, { specifics });
      await remove(MARKER, specifics, reference);
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('leaves a wished tag alone that was on the image before, or points elsewhere by now', async () => {
      await load();
      const specifics = { tag: 'foreign:1' };
      const { reference } = await write(MARKER, { specifics });
      await remove(MARKER, specifics, reference);
      expect(await engine.imageId('foreign:1')).toBe(reference);
      await engine.api('DELETE', '/images/foreign:1');

      const moved = { tag: 'moved:1' };
      await write(MARKER, { specifics: moved });
      await engine.api('POST', '/images/own:1/tag?repo=moved&tag=1');
      await remove(MARKER, moved, reference);
      expect(await engine.tags()).toEqual(['moved:1', 'own:1']);
      await engine.api('DELETE', '/images/moved:1');
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('refuses a wished tag that another image has, before the bytes go', async () => {
      let opened = false;
      const open = async () => {
        opened = true;
        return Readable.from([archive.bytes]);
      };
      const refused = write(MARKER, { specifics: { tag: 'own:1' }, open });
      await expect(refused).rejects.toMatchObject({ code: 'ENVIRONMENT_REFUSED', message: expect.stringContaining('own:1') });
      expect(opened).toBe(false);
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('refuses a wished tag that another image took meanwhile, and leaves nothing', async () => {
      const open = async () => {
        await engine.api('POST', '/images/own:1/tag?repo=taken&tag=1');
        return Readable.from([archive.bytes]);
      };
      await expect(write(MARKER, { specifics: { tag: 'taken:1' }, open })).rejects.toMatchObject({ code: 'ENVIRONMENT_REFUSED' });
      expect(await engine.tags()).toEqual(['own:1', 'taken:1']);
      await engine.api('DELETE', '/images/taken:1');
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it.each([['Upper:1'], ['a:b:c'], ['x/../y:1'], [5], [{}]])(
      'refuses the wished tag %j, and removes what never came',
      async (tag) => {
        const code = typeof tag === 'string' ? 'NOT_DEPLOYABLE' : 'ENVIRONMENT_MISCONFIGURED';
        await expect(write(MARKER, { specifics: { tag } })).rejects.toMatchObject({ code });
        await remove(MARKER, { tag });
        expect(await holdingsOf(engine)).toEqual(before);
      },
    );

    it('says which container keeps an image from being removed, and that this may pass', async () => {
      const { reference } = await write();
      const { Id } = JSON.parse(
        await engine.api('POST', '/containers/create', { json: { Image: reference, HostConfig: { NetworkMode: 'none' } } }),
      ) as { Id: string };
      await expect(remove(MARKER, {}, reference)).rejects.toMatchObject({
        code: 'ENVIRONMENT_BUSY',
        message: expect.stringContaining(Id.slice(0, 12)),
      });
      await engine.api('DELETE', `/containers/${Id}`);
      await remove(MARKER, {}, reference);
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('does not take another image under its own tag for the one that was sent', async () => {
      await engine.api('POST', '/images/own:1/tag?repo=tools&tag=vice-0b7e9c1a2f3d');
      await expect(write()).rejects.toMatchObject({ code: 'RECEIPT_MISMATCH' });
      await expect(write()).resolves.toBeDefined();
      await remove();
      expect(await holdingsOf(engine)).toEqual(before);
    });

    it('finds the error that an engine hides in a 200', async () => {
      const garbage = deployable(Buffer.concat([archive.bytes.subarray(0, 1024), Buffer.alloc(2048)]), archive.facts);
      const writing = inSession(accessTo(engine.location), (session) => session.write(garbage, MARKER, noNote));
      await expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/CONTENT_|ENVIRONMENT_/) });
      expect(await holdingsOf(engine)).toEqual(before);
    });

    describe('of a Dockerfile', () => {
      const dockerfile = 'FROM own:1\nRUN echo built > /greeting\nCMD ["/bin/sh", "-c", "cat /greeting"]\n';
      const contextOf = async (files: Record<string, string>) => {
        const context = pack();
        for (const [name, content] of Object.entries(files)) context.entry({ name }, content);
        context.finalize();
        return buffer(context);
      };
      const build = async (bytes: Buffer, specifics: JsonObject = { networkMode: 'none' }) => {
        const lines: string[] = [];
        const facts = await factsOf(bytes, 'docker-file');
        const image = deployable(bytes, facts, { contentType: 'docker-file', specifics, log: (line) => void lines.push(line) });
        const receipt = await inSession(accessTo(engine.location), (session) => session.write(image, MARKER, noNote));
        return { ...receipt, log: lines.join('') };
      };

      it('builds a plain text on the engine, its log kept', async () => {
        const { reference, log } = await build(Buffer.from(dockerfile));
        expect(log).toMatch(/RUN echo built/);
        expect(await engine.tags()).toContain('tools:vice-0b7e9c1a2f3d');
        expect((await engine.run(reference)).output).toBe('built\n');
        expect((await build(Buffer.from(dockerfile))).reference).toBe(reference);
        await remove(MARKER, {}, reference);
        expect(await holdingsOf(engine)).toEqual(before);
      });

      it.each(['plain', 'gzip'])('builds a %s tar with its context', async (form) => {
        const context = await contextOf({
          Dockerfile: 'FROM own:1\nCOPY note /note\nCMD ["/bin/cat", "/note"]\n',
          note: 'from the context\n',
        });
        const { reference } = await build(form === 'gzip' ? gzipSync(context) : context, { tag: 'wished:3' });
        expect(await engine.imageId('wished:3')).toBe(reference);
        expect((await engine.run(reference)).output).toBe('from the context\n');
        await remove(MARKER, { tag: 'wished:3' }, reference);
        expect(await holdingsOf(engine)).toEqual(before);
      });

      it('fails for good with what the engine says when a step fails', async () => {
        const failing = build(Buffer.from('FROM own:1\nRUN /no/such/program\n'));
        await expect(failing).rejects.toMatchObject({
          code: 'ENVIRONMENT_REFUSED',
          message: expect.stringMatching(/the build failed: .*no such program|the build failed: .*\/no\/such\/program/),
        });
        expect(await holdingsOf(engine)).toEqual(before);
      });
    });
  });
}
