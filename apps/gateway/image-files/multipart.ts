import { type IncomingMessage } from 'node:http';
import { type Readable } from 'node:stream';
import { Busboy, type BusboyConfig, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { ViceError } from '#libs/errors';
import { parseMediaType } from '../bodies/media-type.js';

const FIELD = 'upfile';
const CHUNK_BYTES = 256 * 1024;
const MAX_PARTS = 100;

/**
 * Reads a multipart form to its end and gives its one part `upfile` to `take`; other parts are skipped. Rejects, after `take` has ended, with
 * what `take` raised, or INVALID_UPLOAD where the form is malformed or ends too soon, and UNSUPPORTED_MEDIA_TYPE where it is no such form.
 * The request is left open then, so that it can still be answered.
 */
export function receiveUpfile(request: IncomingMessage, take: (upfile: Readable) => Promise<void>): Promise<void> {
  const busboy = parserFor(request);
  let upfile: Readable | undefined;
  let taken: Promise<void> | undefined;

  return new Promise<void>((resolve, reject) => {
    const settle = (settled: () => void) => {
      request.off('error', onBroken).off('close', onBroken);
      settled();
    };
    const fail = (error: unknown) => {
      request.unpipe(busboy);
      busboy.removeAllListeners().on('error', () => undefined);
      upfile?.destroy(error instanceof Error ? error : undefined);
      void Promise.allSettled([taken]).then(() => settle(() => reject(error)));
    };
    const onBroken = () => {
      if (!request.complete) fail(invalidUpload('the connection ended before the form did'));
    };

    busboy.on('file', (_name: string, part: Readable) => {
      part.on('error', () => undefined);
      if (taken) return fail(invalidUpload(`the form has more than one part named ${FIELD}`));
      upfile = part;
      taken = take(part);
      taken.catch(fail);
    });
    busboy.once('partsLimit', () => fail(invalidUpload(`the form has more than ${MAX_PARTS} parts`)));
    busboy.once('error', (cause: unknown) => fail(invalidUpload('the multipart form is malformed or ends too soon', cause)));
    busboy.once('finish', () => {
      if (!taken) return fail(invalidUpload(`the form has no part named ${FIELD}`));
      taken.then(() => settle(resolve), fail);
    });
    request.once('error', onBroken).once('close', onBroken);
    request.pipe(busboy);
  });
}

function parserFor(request: IncomingMessage): BusboyInstance {
  const mediaType = parseMediaType(request.headers['content-type']);
  if (mediaType?.type !== 'multipart/form-data') {
    throw new ViceError('UNSUPPORTED_MEDIA_TYPE', `send multipart/form-data with a part named ${FIELD}`);
  }
  if (!mediaType.boundary) throw invalidUpload('the Content-Type names no boundary');
  const config: BusboyConfig = {
    headers: request.headers as BusboyHeaders,
    isPartAFile: (name) => name === FIELD,
    limits: { fields: 0, parts: MAX_PARTS, headerPairs: 50, headerSize: 16 * 1024 },
    highWaterMark: CHUNK_BYTES,
    fileHwm: CHUNK_BYTES,
  };
  try {
    return new Busboy(config);
  } catch (cause) {
    throw invalidUpload('the Content-Type is not one of a multipart form', cause);
  }
}

export const invalidUpload = (message: string, cause?: unknown): ViceError =>
  new ViceError('INVALID_UPLOAD', message, { cause, fields: [{ field: FIELD, message }] });
