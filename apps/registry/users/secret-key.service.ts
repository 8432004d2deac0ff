import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ViceError } from '#libs/errors';
import { SecretBox } from '#libs/secrets';
import { Database } from '../database/index.js';

const SETTING = 'secret-key-id';

/** Which secret key this database belongs to: the first one that a registry started with. */
@Injectable()
export class SecretKeyService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly box: SecretBox,
  ) {}

  /** The registry refuses to start with another key than the database's; the first to start decides. */
  async onModuleInit(): Promise<void> {
    await this.database.query('INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      SETTING,
      this.box.keyId,
    ]);
    await this.check(this.box.keyId);
  }

  /** Raises CONFIGURATION where that key is not the database's: what one service sealed, another could not open. */
  async check(keyId: string): Promise<void> {
    const [setting] = await this.database.query<{ value: string }>('SELECT value FROM settings WHERE name = $1', [SETTING]);
    if (setting?.value === keyId) return;
    throw new ViceError(
      'CONFIGURATION',
      `VICE_SECRET_KEY is another one (${keyId}) than the database's secrets were sealed with (${setting?.value ?? 'none yet'}): set that one`,
    );
  }
}
