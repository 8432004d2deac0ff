import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { CONVERSIONS, type Conversion, type ConvertBlobPayload } from '#libs/contracts';
import { BlobLedger, createBlobStore, type BlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import { inspect } from '#libs/image-formats';
import { type RunningJob } from '#libs/messaging';
import { ConversionHandler } from '../../apps/store-worker/conversion.handler.js';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { Samples } from '../samples.js';
import { say, Table } from '../table.js';
import { settleDisk } from '../transfers/random-file.js';
import { asMiB } from '../vice/memory.js';
import { bareConversion } from './bare-conversion.js';
import { FORMATS, sourceDisks, type DiskType } from './source-disks.js';

/** As large a disk, in units of `--mib`, as the files of the other parts: data is a quarter of it. */
const DISK = 2;
/** Compressing takes a minute and hides all else. */
const isMeasured = ({ from, to, subformat }: Conversion) => from in FORMATS && to in FORMATS && subformat === undefined;

/**
 * Each conversion of a disk, a quarter of it random bytes, as the store worker does it: looked at by qemu-img, converted in the sandbox, hashed, looked
 * at again, its content digest compared, published durably. Against a bare `qemu-img convert` and a SHA-256 of the result, turn by turn.
 */
export async function measureConversions(place: Place, { size, repetitions }: Options): Promise<Table[]> {
  const disks = await sourceDisks(place, size * DISK);
  const blobs = createBlobStore(
    { kind: 'file', folder: place.path('blobs') },
    new BlobLedger(async () => ({ state: 'reserved' }) as never),
  );
  const handler = new ConversionHandler(blobs, loadConfig('standalone', {}));
  const title = `Conversions of a disk of ${asMiB(size * DISK)}, a quarter data, in seconds`;
  const table = new Table(title, ['', 'best', 'median', 'bare, best', 'time against bare']);
  const sources = new Map<DiskType, ConvertBlobPayload['source']>();
  for (const conversion of CONVERSIONS.filter(isMeasured)) {
    const [from, to] = [conversion.from as DiskType, conversion.to as DiskType];
    say(`  ${from} to ${to}`);
    const source = sources.get(from) ?? (await stored(blobs, disks[from], from));
    sources.set(from, source);
    const [ours, bare] = [new Samples(), new Samples()];
    for (let i = 0; i < repetitions; i++) {
      await settleDisk();
      bare.add(1 / (await bareConversion(['-f', FORMATS[from], '-O', FORMATS[to]], disks[from], place.path('bare'))));
      await settleDisk();
      ours.add(1 / (await converted(handler, blobs, { source, recipe: conversion.recipe, to, subformat: null })));
    }
    table.add(
      `${from} to ${to}`,
      ...[ours.best, ours.median, bare.best].map((rate) => (1 / rate).toFixed(2)),
      bare.against(ours),
    );
  }
  return [table];
}

async function stored(blobs: BlobStore, file: string, contentType: DiskType): Promise<ConvertBlobPayload['source']> {
  await using staged = await blobs.stage({ writer: `upload-${randomUUID()}` });
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), staged);
  const stored = await staged.commit();
  await using blob = await blobs.open(stored.digest, { holder: `download-${randomUUID()}` });
  // As after an upload, the digest of what the guest sees is known.
  return { ...stored, contentType, contentDigest: (await inspect(blob, contentType)).contentDigest };
}

/** Seconds of the whole job, but for its row. The result is removed, so that the next one is published anew. */
async function converted(handler: ConversionHandler, blobs: BlobStore, payload: ConvertBlobPayload): Promise<number> {
  const job = {
    writer: `${randomUUID()}.1`,
    signal: new AbortController().signal,
    throwIfStopped: () => undefined,
    setTotal: () => undefined,
    advance: () => undefined,
    log: () => undefined,
  };
  const began = performance.now();
  const { digest } = await handler.convert(payload, job as unknown as RunningJob);
  const seconds = (performance.now() - began) / 1000;
  await blobs.removeBytes(digest);
  return seconds;
}
