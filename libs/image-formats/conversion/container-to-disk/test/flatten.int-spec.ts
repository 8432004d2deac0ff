import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describeWith, dockerEngine, startEngine, type TestEngine } from '#libs/testing';
import { inMemory } from '#libs/testing/images';
import { flatten } from '../../../docker-archive/flatten/flatten.js';
import { openImage } from '../../../docker-archive/flatten/image.layers.js';
import { readTar } from '../../../tar/tar.reader.js';
import { built, exported, saved } from './engine-images.js';

/** Files replaced and deleted, folders made anew, links over layers, owners, bits, long names: what makes a layer difficult. */
const DOCKERFILE = `FROM base:1
RUN busybox mkdir -p /a/deep /b /c && echo one > /a/one && echo two > /a/two && busybox ln /a/two /a/also && busybox ln /a/two /a/third && echo x > /b/old && echo f > /file
RUN busybox rm -r /a/one /b && busybox mkdir /b && echo new > /b/new && busybox rm /file && busybox mkdir /file && echo in > /file/in
RUN busybox ln /a/two /c/linked && busybox rm /a/two && busybox rm -r /a/deep && echo file > /a/deep
RUN busybox ln -s ../../../etc/shadow /c/link && busybox cp /bin/busybox /c/suid && busybox chown 1001:1002 /c/suid && busybox chmod 6755 /c/suid
RUN busybox mkdir -m 1777 /tmp && busybox mknod /c/null c 1 3 && busybox mkfifo /c/fifo && busybox mkdir -m 0555 /c/locked
RUN d=/c/${'long-name-'.repeat(9)}/${'and-longer-'.repeat(9)} && busybox mkdir -p $d && echo long > $d/ümlaut && busybox touch -t 200001020304 $d/ümlaut
`;
/** What an engine puts into every container. */
const OF_THE_ENGINE =
  /^(\.dockerenv|dev\/?|dev\/(console|pts|shm)\/?|etc\/?|etc\/(hostname|hosts|mtab|resolv\.conf)|proc\/?|sys\/?)$/;

/** Every path with all that can be seen there, and the paths that are the same file. */
async function contentOf(tar: AsyncIterable<Buffer>): Promise<{ files: Record<string, object>; links: string[][] }> {
  const files: Record<string, object> = {};
  const names = new Map<string, string[]>();
  for await (const { header, body } of readTar(tar)) {
    const path = header.name.replace(/^\.?\/|\/$/g, '');
    if (path === '' || path === '.' || OF_THE_ENGINE.test(path)) continue;
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk);
    if (header.type === 'link') {
      files[path] = files[header.linkname]!;
      names.set(header.linkname, [...(names.get(header.linkname) ?? [header.linkname]), path]);
      continue;
    }
    const { type, mode, uid, gid, size, linkname, device, mtime } = header;
    // A folder's time is that of its last change, which an engine makes itself.
    const time = type === 'directory' ? {} : { mtime };
    // A symbolic link has no mode of its own.
    const bits = type === 'symlink' ? 0o777 : mode & 0o7777;
    files[path] = { type, mode: bits, uid, gid, size, linkname, device, ...time, content: hash.digest('hex') };
  }
  return { files, links: [...names.values()].map((paths) => paths.sort()).sort() };
}

await describeWith([dockerEngine('20'), dockerEngine('26c')], 'the flattened layers of an image', () => {
  const engines: Partial<Record<'20' | '26c', TestEngine>> = {};

  beforeAll(async () => {
    for (const version of ['20', '26c'] as const) {
      engines[version] = await startEngine(version);
      await built(engines[version], 'layered:1', DOCKERFILE);
    }
  }, 180_000);
  afterAll(async () => {
    for (const engine of Object.values(engines)) await engine.stop();
  }, 60_000);

  test.each(['20', '26c'] as const)('are what a Docker Engine (%s) exports of a container', async (version) => {
    const archive = inMemory(await saved(engines[version]!, 'layered:1'));
    const streamRange = (position: number, length: number) =>
      (async function* () {
        yield await archive.read(position, length);
      })();
    const flat = await flatten(await openImage({ ...archive, streamRange }));
    const theirs = await contentOf(Readable.from([await exported(engines[version]!, 'layered:1')]));
    expect(await contentOf(flat.tar())).toEqual(theirs);
    // A link to a file of a lower layer becomes a copy on an engine, already when the layer is made.
    expect(theirs.links).toEqual([['a/also', 'a/third']]);
  });
});
