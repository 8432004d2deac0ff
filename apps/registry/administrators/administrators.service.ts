import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type Administrator } from '#libs/contracts';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { ViceError } from '#libs/errors';
import { type Logger } from '#libs/observability';
import { Database, rowsOf } from '../database/index.js';
import { LOGGER } from '../tokens.js';

interface AdministratorRow {
  id: string;
  username: string;
  administrator: boolean;
}

/**
 * Who may see the jobs of all, and run them again. One is whom VICE_ADMIN_USERNAME names, as long as it does: nothing of that is written
 * down, so a name that is taken out of the setting is an administrator no longer, unless another one named them too. The others are written
 * down. A right is looked up whenever it is used: it ends at once for whom it is withdrawn.
 */
@Injectable()
export class AdministratorsService implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    @Inject(VICE_CONFIG) private readonly config: Pick<ViceConfig, 'adminUsername'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const username = this.config.adminUsername;
    if (username === null || (await this.byName(username))) return;
    this.logger.warn({ username }, 'VICE_ADMIN_USERNAME names nobody yet: whoever takes that username is the administrator');
  }

  async is(userId: string): Promise<boolean> {
    const [user] = await this.database.query<AdministratorRow>('SELECT id, username, administrator FROM users WHERE id = $1', [
      userId,
    ]);
    return user !== undefined && this.includes(user);
  }

  /** Whether a user, of whom these columns are known, is one. */
  includes({ username, administrator }: Pick<AdministratorRow, 'username' | 'administrator'>): boolean {
    return administrator || username === this.config.adminUsername;
  }

  async find(userId: string): Promise<Administrator[]> {
    await this.require(userId);
    const rows = await this.database.query<AdministratorRow>(
      'SELECT id, username, administrator FROM users WHERE administrator OR username = $1 ORDER BY username',
      [this.config.adminUsername],
    );
    return rows.map((row) => this.toContract(row));
  }

  async name(userId: string, username: string): Promise<Administrator> {
    await this.require(userId);
    const [user] = await this.change('UPDATE users SET administrator = true WHERE username = $1', username);
    if (!user) throw new ViceError('USER_NOT_FOUND', `there is no user "${username}": they have to create their account first`);
    this.logger.info({ userId: user.id, by: userId }, 'a user is an administrator from now on');
    return this.toContract(user);
  }

  async withdraw(userId: string, username: string): Promise<void> {
    await this.require(userId);
    if (username.normalize('NFC') === this.config.adminUsername && (await this.byName(username)))
      throw new ViceError(
        'CONFLICT',
        `"${username}" is an administrator because VICE_ADMIN_USERNAME says so: change that setting, and start the registry again`,
      );
    const [user] = await this.change('UPDATE users SET administrator = false WHERE username = $1 AND administrator', username);
    if (!user) throw new ViceError('USER_NOT_FOUND', `there is no administrator "${username}"`);
    this.logger.info({ userId: user.id, by: userId }, 'a user is no administrator any more');
  }

  private async require(userId: string): Promise<void> {
    if (!(await this.is(userId))) throw new ViceError('FORBIDDEN', 'only an administrator may do this');
  }

  private async change(sql: string, username: string): Promise<AdministratorRow[]> {
    if (username.includes('\0')) return []; // no text of PostgreSQL's holds it
    return this.database.transaction(({ manager }) =>
      rowsOf<AdministratorRow>(manager, `${sql} RETURNING id, username, administrator`, [username.normalize('NFC')]),
    );
  }

  private async byName(username: string): Promise<boolean> {
    const rows = await this.database.query('SELECT 1 FROM users WHERE username = $1', [username.normalize('NFC')]);
    return rows.length > 0;
  }

  private toContract({ id, username }: AdministratorRow): Administrator {
    return { userid: id, username, bySetting: username === this.config.adminUsername };
  }
}
