import { type CredentialsDraft, type EnvironmentDraft, type Sealed } from '#libs/contracts';
import { type EnvironmentEntity } from '../database/index.js';

/** What a client may change of an environment. */
export type EnvironmentContent = Pick<
  EnvironmentEntity,
  'title' | 'managementlayer' | 'runtimetechnology' | 'location' | 'username' | 'password' | 'specifics' | 'secrets'
>;

export const NO_CONTENT: EnvironmentContent = {
  title: null,
  managementlayer: null,
  runtimetechnology: null,
  location: null,
  username: null,
  password: null,
  specifics: {},
  secrets: {},
};

/**
 * What an environment becomes by a draft: absent stays, `null` clears, nested objects merge by the same rule, and `specifics` is replaced
 * as a whole, but for its secrets, each of which stays until it is written again or cleared.
 */
export function merged(before: EnvironmentContent, draft: EnvironmentDraft): EnvironmentContent {
  return {
    ...mergedCredentials(before, draft.credentials),
    title: pick(draft.title, before.title),
    managementlayer: mergedLayer(before.managementlayer, draft.managementlayer),
    runtimetechnology: mergedLayer(before.runtimetechnology, draft.runtimetechnology),
  };
}

/** A management layer or a runtime technology. */
interface Layer<Type> {
  type?: Type | null;
  software?: string | null;
  version?: string | null;
}

function mergedLayer<Type>(before: Layer<Type> | null, draft: Layer<Type> | null | undefined): Layer<Type> | null {
  if (!draft) return pick(draft, before);
  return {
    type: pick(draft.type, before?.type ?? null),
    software: pick(draft.software, before?.software ?? null),
    version: pick(draft.version, before?.version ?? null),
  };
}

function mergedCredentials(before: EnvironmentContent, draft: CredentialsDraft | null | undefined): EnvironmentContent {
  if (draft === null) return NO_CONTENT;
  if (draft === undefined) return before;
  const secrets = draft.specifics === null ? {} : before.secrets;
  return {
    ...before,
    location: pick(draft.location, before.location),
    username: pick(draft.username, before.username),
    password: pick(draft.password, before.password),
    specifics: pick(draft.specifics, before.specifics) ?? {},
    secrets: mergedSecrets(secrets, draft.secrets ?? {}),
  };
}

/** Keys are the same without regard to case; the spelling that was written last is kept. */
function mergedSecrets(before: Record<string, Sealed>, draft: Record<string, Sealed | null>): Record<string, Sealed> {
  const byKey = new Map(Object.entries(before).map((entry) => [entry[0].toLowerCase(), entry]));
  for (const [key, sealed] of Object.entries(draft)) {
    if (sealed === null) byKey.delete(key.toLowerCase());
    else byKey.set(key.toLowerCase(), [key, sealed]);
  }
  return Object.fromEntries(byKey.values());
}

const pick = <T>(drafted: T | undefined, before: T): T => (drafted === undefined ? before : drafted);
