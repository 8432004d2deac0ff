import { type Environment, type SealedEnvironment } from '#libs/contracts';
import { type EnvironmentEntity } from '../database/index.js';

/** An environment as its owner sees it: no password, no secret. */
export function toEnvironment(environment: EnvironmentEntity): Environment {
  return {
    id: environment.id,
    title: environment.title,
    userid: environment.userId,
    credentials: {
      location: environment.location,
      username: environment.username,
      specifics: environment.specifics,
    },
    runtimetechnology: environment.runtimetechnology,
    managementlayer: environment.managementlayer,
    createdAt: environment.createdAt.toISOString(),
    updatedAt: environment.updatedAt.toISOString(),
  };
}

/** An environment as a worker needs it: with its secrets, sealed. */
export function toSealedEnvironment(environment: EnvironmentEntity): SealedEnvironment {
  return {
    id: environment.id,
    software: environment.managementlayer?.software ?? null,
    location: environment.location,
    username: environment.username,
    password: environment.password,
    specifics: environment.specifics,
    secrets: environment.secrets,
  };
}
