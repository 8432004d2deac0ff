import { SUBFORMATS, type ContentType, type JsonObject } from '#libs/contracts';
import { ViceError, type FieldFault } from '#libs/errors';
import { type Wish } from '../conversions/plans.service.js';

/**
 * What is to be exported: whatever the environment accepts best, unless the `specifics` of the deployment wish for a `contenttype` or a
 * `subformat`. Raises INVALID_INPUT that names the field where the environment does not take that.
 */
export function wishesOf({ contenttype, subformat }: JsonObject, accepted: readonly ContentType[]): Wish {
  const faults: FieldFault[] = [];
  const known = accepted.find((type) => type === contenttype);
  const wished = SUBFORMATS.find((one) => one === subformat);
  if (isSaid(contenttype) && !known)
    faults.push({ field: 'specifics.contenttype', message: `must be one of ${accepted.join(', ')}` });
  if (isSaid(subformat) && !wished)
    faults.push({ field: 'specifics.subformat', message: `must be one of ${SUBFORMATS.join(', ')}` });
  if (wished && !(known ? known === 'disk-vmdk' : accepted.includes('disk-vmdk')))
    faults.push({ field: 'specifics.subformat', message: 'is a way to write a disk-vmdk, and no such disk is to be deployed' });
  if (faults.length > 0)
    throw new ViceError('INVALID_INPUT', faults.map(({ field, message }) => `${field} ${message}`).join('; '), {
      fields: faults,
    });
  return { accepts: wished ? ['disk-vmdk'] : known ? [known] : accepted, subformat: wished ?? null };
}

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;
