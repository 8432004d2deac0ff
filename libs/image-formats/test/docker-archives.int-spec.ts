import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { busyboxImage, describeWith, dockerEngine, startEngine, type EngineVersion, type TestEngine } from '#libs/testing';
import { buildDockerArchive, buildTar, editing, inMemory } from '#libs/testing/images';
import { inspect, withoutTags } from '../index.js';

const VERSIONS = ['20', '26', '26c'] as const;
const DOCKERFILE =
  'FROM base:1\nRUN echo one > /one\nRUN echo two > /two && ln /two /three && ln -s ../../../etc/x /four\nRUN rm /one\nENV X=1\n';

/** One image or more, as bytes. */
function save(engine: TestEngine, ...references: string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: engine.socket,
        path: `/images/get?${new URLSearchParams(references.map((name): [string, string] => ['names', name])).toString()}`,
      },
      (answer) => answer.toArray().then((chunks) => resolve(Buffer.concat(chunks)), reject),
    );
    asked.on('error', reject).end();
  });
}

await describeWith(
  VERSIONS.map((version) => dockerEngine(version)),
  'what Docker Engines save',
  () => {
    const engines = new Map<EngineVersion, TestEngine>();
    const archives = new Map<EngineVersion, Buffer>();

    beforeAll(async () => {
      for (const version of VERSIONS) {
        const engine = await startEngine(version);
        engines.set(version, engine);
        await busyboxImage(engine, 'base:1');
        const context = Readable.from([buildTar([{ name: 'Dockerfile', content: DOCKERFILE }])]);
        await engine.api('POST', '/build', { query: { t: 'layered:1', networkmode: 'none' }, body: context });
        archives.set(version, await save(engine, 'layered:1'));
      }
    }, 180_000);
    afterAll(async () => {
      for (const engine of engines.values()) await engine.stop();
    }, 60_000);

    test.each(VERSIONS)('on %s is described, with the id that this engine gives it', async (version) => {
      const archive = archives.get(version)!;
      const { contentType, facts } = await inspect(inMemory(archive), undefined);
      expect(contentType).toBe('docker-image');
      expect(facts).toMatchObject({
        os: 'linux',
        layers: 4,
        repoTags: ['layered:1'],
        layout: version === '20' ? 'legacy' : 'oci',
        layerCompression: version === '26c' ? 'gzip' : 'none',
      });
      expect(version === '26c' ? facts['manifestDigest'] : facts['configDigest']).toBe(
        await engines.get(version)!.imageId('layered:1'),
      );

      const byId = await save(engines.get(version)!, (await engines.get(version)!.imageId('layered:1'))!);
      expect((await inspect(inMemory(byId), 'docker-image')).facts).toEqual({
        ...facts,
        repoTags: [],
        ...(facts['manifestDigest'] && { manifestDigest: expect.anything() }),
      });
      await expect(inspect(inMemory(gzipSync(archive)), undefined)).resolves.toMatchObject({ facts });
    });

    test.each(VERSIONS)('on %s is truncated wherever it is cut', async (version) => {
      const archive = archives.get(version)!;
      for (const length of [700, archive.length * 0.1, archive.length * 0.5, archive.length * 0.9, archive.length - 1024]) {
        await expect(inspect(inMemory(archive.subarray(0, length)), 'docker-image')).rejects.toMatchObject({
          code: 'CONTENT_TRUNCATED',
        });
      }
    });

    test.each(VERSIONS.flatMap((from) => VERSIONS.map((to) => [from, to] as const)))(
      'on %s loads into %s without its tags, and renames nothing there',
      async (from, to) => {
        const engine = engines.get(to)!;
        const names = async () => [
          (await engine.tags()).filter((tag) => tag !== '<none>:<none>'),
          await engine.imageId('layered:1'),
        ];
        const before = await names();
        const answer = await engine.api('POST', '/images/load', { body: withoutTags(Readable.from([archives.get(from)!])) });
        expect(await names()).toEqual(before);
        const id = /sha256:[0-9a-f]{64}/.exec(answer)?.[0];
        expect((await engine.run(id!, ['cat', '/three'])).output).toBe('two\n');
      },
    );

    test.each(VERSIONS)('on %s could carry a name in another spelling, which is why that is refused', async (version) => {
      const engine = engines.get(version)!;
      const archive = buildDockerArchive({
        layout: 'docker-20',
        edit: editing('manifest.json', ([image]) => [{ ...image, RepoTags: undefined, 'RepoTag\u017f': ['hidden:1'] }]),
      });
      await expect(inspect(inMemory(archive), 'docker-image')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
      await expect(withoutTags(Readable.from([archive])).toArray()).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
      await engine.api('POST', '/images/load', { body: Readable.from([archive]) });
      expect(await engine.tags()).toContain('hidden:1');
    });

    test('on 26c is found by its digest, wherever it is in the archive', async () => {
      const engine = engines.get('26c')!;
      const { facts } = await inspect(inMemory(buildDockerArchive({ repoTags: ['moved:1'] })), 'docker-image');
      const name = `blobs/${String(facts['manifestDigest']).replace(':', '/')}`;
      const archive = buildDockerArchive({
        repoTags: ['moved:1'],
        edit: (members) => members.map((member) => (member.name === name ? { ...member, name: 'elsewhere' } : member)),
      });
      expect((await inspect(inMemory(archive), 'docker-image')).facts).toEqual(facts);
      await engine.api('POST', '/images/load', { body: Readable.from([archive]) });
      expect(await engine.imageId('moved:1')).toBe(facts['manifestDigest']);
    });

    test('is refused where it holds two images', async () => {
      for (const engine of engines.values()) {
        const archive = await save(engine, 'base:1', 'layered:1');
        await expect(inspect(inMemory(archive), 'docker-image')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
      }
    });
  },
);
