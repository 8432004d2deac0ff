import { describe, expect, it } from '@jest/globals';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ViceError } from '#libs/errors';
import { archiveStream } from './archive-stream.js';

const translate = (error: unknown) =>
  error instanceof ViceError ? error : new ViceError('ENVIRONMENT_UNREACHABLE', 'broke off', { cause: error });
const archive = Buffer.concat([Buffer.alloc(5000, 'x'), Buffer.alloc(1024)]);

describe('archive from an engine', () => {
  it.each([1, 700, 100_000])('passes unchanged in pieces of %d bytes', async (size) => {
    const pieces = Array.from({ length: Math.ceil(archive.length / size) }, (_, i) => archive.subarray(i * size, (i + 1) * size));
    await expect(buffer(archiveStream(Readable.from(pieces), translate))).resolves.toEqual(archive);
  });

  it('fails when the engine says at the end that it failed', async () => {
    const said = [
      archive.subarray(0, 3000),
      Buffer.from('{"errorDetail":{"message":"layer is gone"},"error":"layer is gone"}\r\n'),
    ];
    await expect(buffer(archiveStream(Readable.from(said), translate))).rejects.toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: expect.stringContaining('layer is gone'),
    });
  });

  it('fails when the archive has no end', async () => {
    await expect(buffer(archiveStream(Readable.from([archive.subarray(0, 3000)]), translate))).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNREACHABLE',
    });
    await expect(buffer(archiveStream(Readable.from([]), translate))).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE' });
  });

  it('fails when the engine goes silent, and lets go of it', async () => {
    const answer = new PassThrough();
    answer.write(archive.subarray(0, 3000));
    await expect(buffer(archiveStream(answer, translate, 50))).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNREACHABLE',
      message: expect.stringContaining('sent nothing'),
    });
    expect(answer.destroyed).toBe(true);
  });

  it('translates what breaks the connection', async () => {
    const answer = new PassThrough();
    const read = buffer(archiveStream(answer, translate));
    answer.destroy(new Error('ECONNRESET'));
    await expect(read).rejects.toMatchObject({ message: 'broke off' });
  });

  it('lets go of the engine when its reader does', async () => {
    const answer = new PassThrough();
    answer.write(archive.subarray(0, 3000));
    const stream = archiveStream(answer, translate);
    for await (const chunk of stream) if (chunk) break;
    if (!answer.closed) await new Promise((closed) => answer.once('close', closed));
    expect(answer.destroyed).toBe(true);
  });
});
