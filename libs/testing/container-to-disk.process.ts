import { open, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { containerToDisk } from '#libs/image-formats';

/**
 * `node container-to-disk.process.js ARCHIVE FOLDER UID`: makes a disk as that user, with no privilege left, and prints what `containerToDisk` returns.
 * In a process of its own, since nobody comes back from that.
 */
const [file = '', folder = '', uid = ''] = process.argv.slice(2);
process.chdir(folder);
process.setgroups?.([]);
process.setgid?.(Number(uid));
process.setuid?.(Number(uid));
const { size } = await stat(file);
const made = await containerToDisk({
  conversion: {
    from: 'docker-image',
    to: 'disk-qcow2',
    recipe: 'docker-image-to-disk-qcow2/1',
    toolset: 'container-disk',
    cost: 15,
  },
  source: {
    file,
    bytes: {
      size,
      async read(position, length) {
        await using handle = await open(file);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
        return buffer.subarray(0, bytesRead);
      },
      stream: () => createReadStream(file),
    },
    contentDigest: null,
  },
  folder,
  maxBytes: 2 ** 33,
  reservedBytes: 2 ** 33,
  signal: new AbortController().signal,
  progress: () => undefined,
  log: () => undefined,
});
process.stdout.write(JSON.stringify({ ...made, uid: process.getuid?.() }));
