import { validateSync, type ValidationError } from 'class-validator';
import { instanceOf } from '#libs/contracts';
import { ViceError, type FieldFault } from '#libs/errors';
import { isDeeperThan, MAX_DEPTH } from './json.reader.js';

/** Of several faults of one field, the one that explains the others. */
const TELLING = ['isString', 'isObject', 'isArray', 'isIn', 'isNotEmpty'];

/** A body as an instance of its class. Raises INVALID_INPUT that names every field at fault. Unknown fields are left for nobody to read. */
export function validated<T extends object>(type: new () => T, body: unknown): T {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ViceError('INVALID_INPUT', 'the body must be one object');
  }
  const instance = instanceOf(type, body);
  const faults = [...faultsOf(validateSync(instance)), ...faultsOfSpecifics(instance)];
  if (faults.length > 0) throw invalidInput(faults);
  return instance;
}

export function invalidInput(fields: FieldFault[]): ViceError {
  return new ViceError('INVALID_INPUT', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), { fields });
}

function faultsOf(errors: readonly ValidationError[], path = ''): FieldFault[] {
  return errors.flatMap(({ property, constraints, children }) => {
    const field = path ? `${path}.${property}` : property;
    if (!constraints) return faultsOf(children ?? [], field);
    const kind = TELLING.find((name) => name in constraints) ?? Object.keys(constraints)[0] ?? '';
    return [{ field, message: constraints[kind] ?? 'is not valid' }];
  });
}

/** `specifics` are free, but have to be stored: PostgreSQL takes no NUL and no half of a surrogate pair in JSON. */
function faultsOfSpecifics(instance: object, path = ''): FieldFault[] {
  return Object.entries(instance).flatMap(([name, value]): FieldFault[] => {
    const field = path ? `${path}.${name}` : name;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    if (name !== 'specifics') return Object.getPrototypeOf(value) === Object.prototype ? [] : faultsOfSpecifics(value, field);
    if (isDeeperThan(value, MAX_DEPTH)) return [{ field, message: `must not be nested more than ${MAX_DEPTH} deep` }];
    if (!isStorable(value)) return [{ field, message: 'must not contain NUL characters or halves of surrogate pairs' }];
    return [];
  });
}

const UNSTORABLE = /[\0\p{Cs}]/u;

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !UNSTORABLE.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => !UNSTORABLE.test(key) && isStorable(inner));
}
