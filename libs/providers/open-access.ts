import { environmentSecret, isSecretKey, type SealedEnvironment } from '#libs/contracts';
import { keepFromLogs } from '#libs/observability';
import { type SecretBox } from '#libs/secrets';
import { type EnvironmentAccess } from './environment-provider.js';

/** Opens the seals of an environment. What comes out must go nowhere but to a provider. */
export function openAccess(environment: SealedEnvironment, box: SecretBox): EnvironmentAccess {
  const { id, software, location, username, password, specifics, secrets } = environment;
  const login = password === null ? null : box.open(password, environmentSecret(id, 'password'));
  const opened = Object.entries(secrets).map(([key, sealed]) => [key, box.open(sealed, environmentSecret(id, key))] as const);
  keepFromLogs([...(login === null ? [] : [login]), ...opened.flatMap(([, secret]) => textsIn(secret))]);
  return {
    id,
    software,
    location,
    username,
    password: login,
    specifics: { ...specifics, ...Object.fromEntries(opened) },
  };
}

/** The secrets in one that was opened: itself, and where it is the JSON of an object, what is secret in that. */
function textsIn(secret: string): string[] {
  if (!secret.startsWith('{')) return [secret];
  const texts: string[] = [secret];
  try {
    JSON.parse(secret, (key, value: unknown) => {
      if (typeof value === 'string' && isSecretKey(key)) texts.push(value);
      return value;
    });
  } catch {
    // text that only looks like JSON
  }
  return texts;
}
