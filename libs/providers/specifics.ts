import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';

/** A text among the `specifics` of an environment's credentials or of a deployment; keys without regard to case. Undefined where it is absent or empty. */
export function textOf(specifics: JsonObject, key: string): string | undefined {
  const wanted = key.toLowerCase();
  const [found] = Object.keys(specifics).filter((spelt) => spelt.toLowerCase() === wanted);
  const value = found === undefined ? undefined : specifics[found];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new ViceError('ENVIRONMENT_MISCONFIGURED', `specifics.${key} must be text`);
  return value;
}
