import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ViceError } from '#libs/errors';
import { SecretBox } from '#libs/secrets';
import { Database, type Transaction } from '../database/index.js';
import { databaseKeys, KEY_SETTING } from './database-keys.js';

/** Which secret key this database belongs to: the first one that a registry started with, or the one it was changed to since. */
@Injectable()
export class SecretKeyService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly box: SecretBox,
  ) {}

  /** The registry refuses to start without the database's key; the first to start decides. */
  async onModuleInit(): Promise<void> {
    await this.database.query('INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      KEY_SETTING,
      this.box.keyId,
    ]);
    await this.check(this.box.keyId, this.box.keyIds);
  }

  /**
   * Raises CONFIGURATION where a service that seals with `keyId` and opens with `opens` does not fit: what one service sealed, another could
   * not open.
   */
  async check(keyId: string, opens: readonly string[]): Promise<void> {
    const { current, retired } = await databaseKeys(this.database.source.manager);
    if (current === null || !opens.includes(current)) {
      throw new ViceError(
        'CONFIGURATION',
        `VICE_SECRET_KEY is another one (${keyId}) than the database's secrets were sealed with (${current ?? 'none yet'}): set that one, or change the database's key by npm run rotate-key`,
      );
    }
    const fault = this.faultOf(keyId, retired, current);
    if (fault !== null) throw new ViceError('CONFIGURATION', fault);
  }

  /**
   * Refuses, within the transaction that is to keep them, secrets whose key is given up or is not known here. While it lasts, the key is not
   * changed: so none is kept that nobody could open later.
   */
  async admit({ manager }: Transaction, secrets: readonly string[]): Promise<void> {
    if (secrets.length === 0) return;
    const { current, retired } = await databaseKeys(manager, 'FOR SHARE');
    for (const keyId of new Set(secrets.map((sealed) => SecretBox.keyIdOf(sealed)))) {
      const fault = this.faultOf(keyId, retired, current);
      if (fault !== null) throw new ViceError('UNAVAILABLE', `${fault}; try again later`);
    }
  }

  private faultOf(keyId: string, retired: readonly string[], current: string | null): string | null {
    if (retired.includes(keyId)) return `the secret key ${keyId} was given up for ${current}: VICE_SECRET_KEY must be that one`;
    if (!this.box.keyIds.includes(keyId))
      return `the registry does not know the secret key ${keyId}: before a service seals with it, it must be in VICE_OTHER_SECRET_KEYS of all`;
    return null;
  }
}
