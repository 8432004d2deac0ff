import { validateSync, type ValidationError } from 'class-validator';
import { instanceOf } from '#libs/contracts';
import { ViceError, type FieldFault } from '#libs/errors';

/** Of several faults of one field, the one that explains the others. */
const TELLING = ['isString', 'isObject', 'isArray', 'isIn', 'isNotEmpty'];

/** A body as an instance of its class. Raises INVALID_INPUT that names every field at fault. Unknown fields are left for nobody to read. */
export function validated<T extends object>(type: new () => T, body: unknown): T {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ViceError('INVALID_INPUT', 'the body must be one object');
  }
  const instance = instanceOf(type, body);
  const faults = faultsOf(validateSync(instance));
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
