import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { flatten } from '../../docker-archive/flatten/flatten.js';
import { openImage, type SeekableBytes } from '../../docker-archive/flatten/image.layers.js';
import { ExpansionBudget, isGzip, openArchive } from '../../expansion.js';
import { DEFAULT_LIMITS } from '../../inspection.js';
import { refused } from '../../refusal.js';
import { RECORD_FOLDER } from '../container-record.js';
import { type Converted, type ConversionWork } from '../conversion-work.js';
import { attributeList } from './attributes.js';
import { bootFiles, writeBootPartition } from './boot-partition.js';
import { recordOf } from './container-start.js';
import { layOut, partitionTable } from './disk-layout.js';
import { guestFiles } from './guest-files.js';
import { ownKernel } from './own-kernel.js';
import { removeUnpacked, writeRootFilesystem } from './root-filesystem.js';
import { DISK, workbench } from './workbench.js';

const RESULT = 'disk.qcow2';
/** How much is done, of 1, when a step is; as it was measured. */
export const SHARES = { opened: 0.1, root: 0.7, boot: 0.75 };

/**
 * Makes a bootable disk of a container image: GPT, for BIOS and UEFI. It boots with the image's own kernel and init where it has both, else with
 * ours and a first process that starts the container's command. Throws CONTENT_REFUSED for what cannot be such a disk, and CONTENT_INVALID.
 */
export async function containerToDisk(work: ConversionWork): Promise<Converted> {
  const { folder, signal } = work;
  const image = await openImage(await plainArchive(work));
  const record = recordOf(image.document);
  const flat = await flatten(image, { leaveOut: [RECORD_FOLDER], signal });
  if (flat.bytes > work.maxBytes)
    throw refused(`the disk would be larger than ${work.maxBytes} bytes, the limit here: the image's files take ${flat.bytes}`);
  work.progress(SHARES.opened);

  const kernel = ownKernel(flat.tree);
  const added = await guestFiles(record, kernel !== null);
  const files = await bootFiles({ folder }, kernel);
  const layout = layOut(flat, files.bytes, createHash('sha256').update(JSON.stringify(image.document)).digest('hex'));
  const bench = workbench(folder, signal, layout.size);
  await makeSparse(join(folder, DISK), layout.size);
  await bench.run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', DISK], {
    input: Readable.from([partitionTable(layout)]),
  });

  const done = (bytes: number) =>
    work.progress(SHARES.opened + (SHARES.root - SHARES.opened) * Math.min(1, bytes / (flat.bytes + 1)));
  const tar = counted(flat.tar(added, { ownerReads: true }), work, done);
  const content = { tar, attributes: attributeList(flat), withheld: flat.withheld() };
  await writeRootFilesystem(bench, layout, content);
  work.progress(SHARES.root);
  await writeBootPartition(bench, layout, files);
  await removeUnpacked(bench);
  work.progress(SHARES.boot);
  await bench.run('qemu-img', ['convert', '-p', '-f', 'raw', '-O', 'qcow2', DISK, RESULT], {
    onOutput: (text) => {
      const percent = /\(([\d.]+)\/100%\)[^(]*$/.exec(text)?.[1];
      if (percent) work.progress(SHARES.boot + ((1 - SHARES.boot) * Number(percent)) / 100);
    },
  });
  await rm(join(folder, DISK));
  work.log(
    kernel
      ? `boots with the image's own kernel, ${kernel.kernel}`
      : "boots with Debian's kernel, and starts the container's command",
  );
  const version = /version (\S+)/.exec(await bench.run('qemu-img', ['--version']))?.[1] ?? '?';
  return {
    file: join(folder, RESULT),
    contentType: 'disk-qcow2',
    tool: `qemu-img ${version}`,
    arguments: bench.calls.slice(0, -1),
  };
}

/** An archive in which one can go to and fro: one that was compressed as a whole is expanded first. */
async function plainArchive({ source, folder, signal, reservedBytes }: ConversionWork): Promise<SeekableBytes> {
  if (!isGzip(await source.bytes.read(0, 3))) return await seekable(source.file);
  const file = join(folder, 'archive.tar');
  const budget = new ExpansionBudget({
    ...DEFAULT_LIMITS,
    maxExpandedBytes: Math.min(DEFAULT_LIMITS.maxExpandedBytes, reservedBytes),
  });
  await pipeline(source.bytes.stream(), (bytes: AsyncIterable<Buffer>) => openArchive(bytes, budget), createWriteStream(file), {
    signal,
  });
  return await seekable(file);
}

async function seekable(file: string): Promise<SeekableBytes> {
  const handle = await open(file);
  const { size } = await handle.stat();
  await handle.close();
  const streamRange = (start: number, length: number) =>
    length === 0 ? Readable.from([]) : createReadStream(file, { start, end: start + length - 1, highWaterMark: 2 ** 20 });
  return {
    size,
    read: async (position, length) => Buffer.concat(await streamRange(position, Math.min(length, size - position)).toArray()),
    stream: () => streamRange(0, size),
    streamRange,
  };
}

async function makeSparse(file: string, size: number): Promise<void> {
  await using handle = await open(file, 'wx', 0o600);
  await handle.truncate(size);
}

/** Throws CONTENT_REFUSED for more than has been set aside. */
export async function* counted(
  tar: AsyncIterable<Buffer>,
  { signal, reservedBytes }: Pick<ConversionWork, 'signal' | 'reservedBytes'>,
  report: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  let reported = 0;
  for await (const chunk of tar) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > reservedBytes) throw refused(`the image's files take more than the ${reservedBytes} bytes set aside for them`);
    if (bytes - reported >= 2 ** 23) report((reported = bytes));
    yield chunk;
  }
}
