import { environmentSecret, type SealedEnvironment } from '#libs/contracts';
import { type SecretBox } from '#libs/secrets';
import { type EnvironmentAccess } from './environment-provider.js';

/** Opens the seals of an environment. What comes out must go nowhere but to a provider. */
export function openAccess(environment: SealedEnvironment, box: SecretBox): EnvironmentAccess {
  const { id, software, location, username, password, specifics, secrets } = environment;
  const opened = Object.entries(secrets).map(([key, sealed]) => [key, box.open(sealed, environmentSecret(id, key))] as const);
  return {
    id,
    software,
    location,
    username,
    password: password === null ? null : box.open(password, environmentSecret(id, 'password')),
    specifics: { ...specifics, ...Object.fromEntries(opened) },
  };
}
