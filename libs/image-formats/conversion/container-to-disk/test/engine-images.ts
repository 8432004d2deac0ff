import { request } from 'node:http';
import { Readable } from 'node:stream';
import { busyboxImage, type TestEngine } from '#libs/testing';
import { buildTar, type TarMember } from '#libs/testing/images';

/** What an engine answers where that is no text. */
function bytesOf(engine: TestEngine, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: engine.socket, path }, (answer) =>
      answer.toArray().then((chunks) => resolve(Buffer.concat(chunks as Buffer[])), reject),
    );
    asked.on('error', reject).end();
  });
}

/** `docker save` */
export const saved = (engine: TestEngine, tag: string): Promise<Buffer> =>
  bytesOf(engine, `/images/get?names=${encodeURIComponent(tag)}`);

/** `docker export` of a container that has not run. */
export async function exported(engine: TestEngine, tag: string): Promise<Buffer> {
  const created = await engine.api('POST', '/containers/create', { json: { Image: tag, NetworkDisabled: true } });
  const { Id } = JSON.parse(created) as { Id: string };
  const tar = await bytesOf(engine, `/containers/${Id}/export`);
  await engine.api('DELETE', `/containers/${Id}`);
  return tar;
}

/** `docker build`, on top of busybox, of which the image has all commands as `busybox COMMAND`. */
export async function built(engine: TestEngine, tag: string, dockerfile: string, files: TarMember[] = []): Promise<void> {
  await busyboxImage(engine, 'base:1');
  const context = buildTar([{ name: 'Dockerfile', content: dockerfile }, ...files]);
  await engine.api('POST', '/build', { query: { t: tag, networkmode: 'none' }, body: Readable.from([context]) });
}
