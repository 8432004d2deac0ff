import { type IncomingHttpHeaders } from 'node:http';
import { type ImageContent } from '#libs/contracts';
import { matchesTag, namesTag, rangeOf, type ByteRange } from './byte-range.js';
import { attachment, fileName } from './file-name.js';

/** How a download is answered. `range` is absent where no bytes follow. */
export interface DownloadPlan {
  status: 200 | 206 | 304 | 412 | 416;
  headers: Record<string, string>;
  range?: ByteRange;
}

/** Decides by the request's headers alone: `If-Match`, `If-None-Match`, then `If-Range` and `Range`. */
export function planDownload(content: ImageContent, imageId: string, request: IncomingHttpHeaders, method: string): DownloadPlan {
  const { digest, size } = content;
  const etag = `"${digest}"`;
  const always = { etag, 'accept-ranges': 'bytes', vary: 'Accept' };
  if (!matchesTag(request['if-match'], etag)) return { status: 412, headers: always };
  if (namesTag(request['if-none-match'], etag)) return { status: 304, headers: always };

  // A range counts for GET alone, and with If-Range only while the content is what the client has the rest of.
  const ifRange = request['if-range'];
  const rangeCounts = method === 'GET' && (ifRange === undefined || ifRange === etag);
  const asked = rangeOf(rangeCounts ? request.range : undefined, size);
  if (asked === 'unsatisfiable') return { status: 416, headers: { ...always, 'content-range': `bytes */${size}` } };

  const range = asked === 'whole' ? { start: 0, end: size - 1 } : asked;
  const headers: Record<string, string> = {
    ...always,
    'content-length': String(range.end - range.start + 1),
    'content-disposition': attachment(fileName(content.title, imageId, content.contentType)),
    'repr-digest': reprDigest(digest),
    'x-content-type-options': 'nosniff',
  };
  if (asked === 'whole') return { status: 200, headers, range };
  return { status: 206, headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${size}` }, range };
}

/** RFC 9530, of the whole content also where only a range of it is sent. */
function reprDigest(digest: string): string {
  const base64 = Buffer.from(digest.replace(/^sha256:/, ''), 'hex').toString('base64');
  return `sha-256=:${base64}:`;
}
