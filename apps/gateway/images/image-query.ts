import { CONTENT_TYPES, IMAGE_SORTS, IMAGE_TYPES, type ImageQuery } from '#libs/contracts';
import { QueryReader, type QueryParameters } from '../bodies/query.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const CONTENT_DIGEST = /^disk-sha256-4m:[0-9a-f]{64}$/;

/** Raises INVALID_QUERY that names every parameter at fault. */
export function imageQuery(parameters: QueryParameters): ImageQuery {
  const query = new QueryReader(parameters);
  const read: ImageQuery = {
    q: query.text('q'),
    contenttype: query.oneOf('contenttype', CONTENT_TYPES),
    imagetype: query.oneOf('imagetype', IMAGE_TYPES),
    tag: query.text('tag'),
    contentDigest: query.matching('contentDigest', CONTENT_DIGEST, 'disk-sha256-4m: and 64 lower-case hexadecimal digits'),
    cursor: query.text('cursor'),
    limit: query.wholeNumber('limit', { min: 1, max: MAX_LIMIT }) ?? DEFAULT_LIMIT,
    sort: query.oneOf('sort', IMAGE_SORTS) ?? '-createdAt',
  };
  query.finish();
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as unknown as ImageQuery;
}
