import { type Environment, type ManagementLayer, type RuntimeTechnology } from '../api/environment.js';
import { type JsonObject } from '../vocabulary.js';
import { callTo, type Empty, type Sealed } from './call.js';

/** An environment as a client wrote it, its secrets sealed. Absent stays, `null` clears. `id` is decided by the gateway, because the seals are bound to it. */
export interface EnvironmentDraft {
  id: string;
  title?: string | null;
  managementlayer?: ManagementLayer | null;
  runtimetechnology?: RuntimeTechnology | null;
  credentials?: CredentialsDraft | null;
}

export interface CredentialsDraft {
  location?: string | null;
  username?: string | null;
  /** Bound to `environmentSecret(id, 'password')`. */
  password?: Sealed | null;
  /** What is no secret; replaces the former as a whole. */
  specifics?: JsonObject | null;
  /** Secrets of `specifics` by key as the client spelt it; absent stays, `null` clears. Bound to `environmentSecret(id, key)`. */
  secrets?: Record<string, Sealed | null>;
}

/** What a worker needs to connect; it opens the seals itself. */
export interface SealedEnvironment {
  id: string;
  software: string | null;
  location: string | null;
  username: string | null;
  password: Sealed | null;
  specifics: JsonObject;
  secrets: Record<string, Sealed>;
}

export const EnvironmentCalls = {
  findEnvironments: callTo<{ userId: string; managementlayer?: string; runtimetechnology?: string }, Environment[]>(
    'registry',
    'environment.find',
  ),
  createEnvironment: callTo<{ userId: string; environment: EnvironmentDraft }, Environment>('registry', 'environment.create'),
  updateEnvironment: callTo<{ userId: string; environment: EnvironmentDraft }, Environment>('registry', 'environment.update'),
  getEnvironment: callTo<{ userId: string; environmentId: string }, Environment>('registry', 'environment.get'),
  deleteEnvironment: callTo<{ userId: string; environmentId: string }, Empty>('registry', 'environment.delete'),
  /** For workers: the environment with its sealed secrets. */
  openEnvironment: callTo<{ userId: string; environmentId: string }, SealedEnvironment>('registry', 'environment.open'),
};

/** What a secret of an environment is bound to while it is sealed. `key` is `password`, or a key of `specifics`, in lower case. */
export const environmentSecret = (environmentId: string, key: string): string =>
  `environment:${environmentId}:${key.toLowerCase()}`;
