import { CONTENT_TYPES, SUBFORMATS, type VariantWish } from '#libs/contracts';
import { QueryReader, type QueryParameters } from '../bodies/query.js';

/** In what form a download is wanted; null: as it is. Raises INVALID_QUERY that names every parameter at fault. */
export function variantWish(parameters: QueryParameters): VariantWish | null {
  const query = new QueryReader(parameters);
  const contentType = query.oneOf('contenttype', CONTENT_TYPES) ?? null;
  const subformat = query.oneOf('subformat', SUBFORMATS) ?? null;
  if (subformat !== null && contentType !== 'disk-vmdk' && !query.isAtFault('contenttype'))
    query.fault('subformat', 'goes with contenttype=disk-vmdk alone');
  query.finish();
  return contentType && { contentType, subformat };
}
