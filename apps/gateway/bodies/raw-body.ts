import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { ViceError } from '#libs/errors';
import { parseMediaType, type MediaType } from './media-type.js';

export const MAX_BODY_BYTES = 1024 * 1024;

const JSON_TYPES = ['application/json'];
const XML_TYPES = ['application/xml', 'text/xml'];

/** A request's body as it came: it is parsed only after the login was checked. `bytes` is absent where the media type is none of ours. */
export interface RawBody {
  mediaType: MediaType | undefined;
  /** What `Content-Encoding` says, in lower case. */
  encoding: string | undefined;
  bytes?: Buffer;
}

const describedBy = ({ headers }: FastifyRequest): RawBody => ({
  mediaType: parseMediaType(headers['content-type']),
  encoding: headers['content-encoding']?.trim().toLowerCase(),
});

/** Collects JSON and XML bodies unparsed, up to MAX_BODY_BYTES, and leaves every other body unread for its route, as an upload. */
export function collectBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    [...JSON_TYPES, ...XML_TYPES],
    { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES },
    (request, bytes: Buffer, done) => done(null, { ...describedBy(request), bytes }),
  );
  server.addContentTypeParser('*', (request, _unread, done) => done(null, describedBy(request)));
}

/** The text of a body and whether it is XML. Raises UNSUPPORTED_MEDIA_TYPE, and INVALID_INPUT where there is none or it is not UTF-8. */
export function textOfBody(body: RawBody | undefined): { text: string; xml: boolean } {
  if (!body || body.bytes?.length === 0) throw new ViceError('INVALID_INPUT', 'the request has no body');
  const { mediaType, encoding, bytes } = body;
  if (!bytes || !mediaType) {
    const sent = mediaType ? `${mediaType.type} is not understood` : 'the Content-Type of the body is missing';
    throw new ViceError('UNSUPPORTED_MEDIA_TYPE', `${sent}; send application/json or application/xml`);
  }
  if (encoding && encoding !== 'identity') {
    throw new ViceError('UNSUPPORTED_MEDIA_TYPE', `the Content-Encoding ${encoding} is not understood; send the body as it is`);
  }
  if (mediaType.charset && !/^(utf-?8|us-ascii)$/.test(mediaType.charset)) {
    throw new ViceError('UNSUPPORTED_MEDIA_TYPE', `charset ${mediaType.charset} is not understood; send UTF-8`);
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), xml: XML_TYPES.includes(mediaType.type) };
  } catch (cause) {
    throw new ViceError('INVALID_INPUT', 'the body is not UTF-8', { cause });
  }
}
