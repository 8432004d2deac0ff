import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import {
  type Environment,
  type EnvironmentCalls,
  type EnvironmentDraft,
  type RequestOf,
  type Sealed,
  type SealedEnvironment,
} from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { IsNull } from 'typeorm';
import { Database, EnvironmentEntity, type Transaction } from '../database/index.js';
import { SecretKeyService } from '../users/secret-key.service.js';
import { toEnvironment, toSealedEnvironment } from './environment.contract.js';
import { passes } from './environment.filter.js';
import { merged, NO_CONTENT } from './environment.merge.js';

/** Where a caller wants an environment from: its own connection, or a transaction with a lock on the row. */
type Lock = 'pessimistic_write' | 'pessimistic_read';

@Injectable()
export class EnvironmentsService {
  constructor(
    private readonly database: Database,
    private readonly secretKey: SecretKeyService,
  ) {}

  async find({ userId, ...filters }: RequestOf<typeof EnvironmentCalls.findEnvironments>): Promise<Environment[]> {
    const all = await this.database.source.getRepository(EnvironmentEntity).find({
      where: { userId, deletedAt: IsNull() },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    return all.filter((environment) => passes(environment, filters)).map(toEnvironment);
  }

  async get(userId: string, environmentId: string): Promise<Environment> {
    return toEnvironment(await this.existing(userId, environmentId));
  }

  /** For workers. */
  async open(userId: string, environmentId: string): Promise<SealedEnvironment> {
    return toSealedEnvironment(await this.existing(userId, environmentId));
  }

  async create(userId: string, draft: EnvironmentDraft): Promise<Environment> {
    return this.database.transaction(async (tx) => toEnvironment(await this.register(tx, userId, draft)));
  }

  /** A new environment as part of a larger change. */
  async register(tx: Transaction, userId: string, draft: EnvironmentDraft): Promise<EnvironmentEntity> {
    await this.secretKey.admit(tx, secretsOf(draft));
    const environments = tx.manager.getRepository(EnvironmentEntity);
    const columns: object = { id: draft.id, userId, ...merged(NO_CONTENT, draft) };
    await environments.insert(columns);
    return environments.findOneByOrFail({ id: draft.id });
  }

  async update(userId: string, draft: EnvironmentDraft): Promise<Environment> {
    return this.database.transaction(async (tx) => {
      await this.secretKey.admit(tx, secretsOf(draft));
      const before = await this.locked(tx, userId, draft.id, 'pessimistic_write');
      if (!before) throw notFound(draft.id);
      const environments = tx.manager.getRepository(EnvironmentEntity);
      const columns: object = { ...merged(before, draft), updatedAt: () => 'now()' };
      await environments.update({ id: before.id }, columns);
      return toEnvironment(await environments.findOneByOrFail({ id: before.id }));
    });
  }

  /** The user's environment, kept from being deleted (`pessimistic_read`) or changed (`pessimistic_write`) until the transaction ends; null where it is none of theirs. */
  async locked(tx: Transaction, userId: string, id: string, mode: Lock): Promise<EnvironmentEntity | null> {
    if (!isUUID(id)) return null;
    return tx.manager.getRepository(EnvironmentEntity).findOne({ where: { id, userId, deletedAt: IsNull() }, lock: { mode } });
  }

  private async existing(userId: string, id: string): Promise<EnvironmentEntity> {
    const environment = isUUID(id)
      ? await this.database.source.getRepository(EnvironmentEntity).findOneBy({ id, userId, deletedAt: IsNull() })
      : null;
    if (!environment) throw notFound(id);
    return environment;
  }
}

/** The seals in a draft. */
function secretsOf({ credentials }: EnvironmentDraft): Sealed[] {
  const { password, secrets = {} } = credentials ?? {};
  return [password, ...Object.values(secrets)].filter((sealed) => sealed !== undefined && sealed !== null);
}

export const notFound = (id: string): ViceError => new ViceError('ENVIRONMENT_NOT_FOUND', `environment ${id} does not exist`);
