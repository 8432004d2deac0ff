import {
  environmentSecret,
  isSecretKey,
  type CredentialsDraft,
  type CredentialsInput,
  type EnvironmentDraft,
  type EnvironmentInput,
  type Json,
  type JsonObject,
  type Sealed,
} from '#libs/contracts';
import { type SecretBox } from '#libs/secrets';
import { invalidInput } from '../bodies/validation.js';

/**
 * `scheme://name:password@…`, also without the scheme, with its slashes reversed or its colon escaped: a location is shown again, so that no
 * password may stand in it.
 */
const PASSWORD_IN_LOCATION = /^(?!unix:)(?:[a-z][a-z0-9+.-]*:)?[\\/]*[^\\/?#]*(?::|%3a)[^\\/?#]*@/i;

/**
 * What the client wrote, for the registry: its secrets sealed, bound to `id`. What was absent stays absent.
 * @param path of the environment in the body, for the names of fields at fault
 */
export function environmentDraft(input: EnvironmentInput, id: string, box: SecretBox, path = ''): EnvironmentDraft {
  const { title, managementlayer, runtimetechnology, credentials } = input;
  return {
    id,
    ...(title !== undefined && { title }),
    ...(managementlayer !== undefined && { managementlayer }),
    ...(runtimetechnology !== undefined && { runtimetechnology }),
    ...(credentials !== undefined && { credentials: credentials && credentialsDraft(credentials, id, box, path) }),
  };
}

function credentialsDraft(input: CredentialsInput, id: string, box: SecretBox, path: string): CredentialsDraft {
  const { location, username, password, specifics } = input;
  if (location && PASSWORD_IN_LOCATION.test(location)) {
    throw invalidInput([
      { field: `${path}credentials.location`, message: 'must hold no password: give it in credentials.password' },
    ]);
  }
  return {
    ...(location !== undefined && { location }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password === null ? null : box.seal(password, environmentSecret(id, 'password')) }),
    ...(specifics === null && { specifics }),
    ...(specifics && splitSpecifics(specifics, id, box)),
  };
}

/**
 * Takes the secrets out of `specifics` and seals them. A value that is no text, or in which a secret lies deeper, is sealed as its JSON.
 * An open object under a key may replace one that was sealed before: so that key is cleared among the secrets.
 */
function splitSpecifics(specifics: JsonObject, id: string, box: SecretBox): Pick<CredentialsDraft, 'specifics' | 'secrets'> {
  const open: [string, Json][] = [];
  const secrets: [string, Sealed | null][] = [];
  const seal = (key: string, value: Json) =>
    box.seal(typeof value === 'string' ? value : JSON.stringify(value), environmentSecret(id, key));
  for (const [key, value] of Object.entries(specifics)) {
    if (isSecretKey(key)) secrets.push([key, value === null ? null : seal(key, value)]);
    else if (holdsSecret(value)) secrets.push([key, seal(key, value)]);
    else {
      open.push([key, value]);
      if (typeof value === 'object' && value !== null) secrets.push([key, null]);
    }
  }
  return { specifics: Object.fromEntries(open), secrets: Object.fromEntries(secrets) };
}

function holdsSecret(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return Object.entries(value).some(([key, inner]) => isSecretKey(key) || holdsSecret(inner));
}
