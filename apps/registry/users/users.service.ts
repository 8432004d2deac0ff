import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { loginSecret, type RequestOf, type SealedLogin, type User, type UserCalls } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { SecretBox } from '#libs/secrets';
import { AdministratorsService } from '../administrators/administrators.service.js';
import { Database } from '../database/index.js';
import { PasswordsService } from './passwords.service.js';

interface UserRow extends User {
  passwordHash: string;
  /** As another administrator said. */
  administrator: boolean;
}

const COLUMNS = 'id, username, email, fullname, administrator, password_hash AS "passwordHash"';

/** Usernames are compared exactly, but for their Unicode form: they are kept in NFC. */
@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly passwords: PasswordsService,
    private readonly box: SecretBox,
    private readonly administrators: AdministratorsService,
  ) {}

  async create({ username, password, email, fullname }: RequestOf<typeof UserCalls.createUser>): Promise<User> {
    const name = username.normalize('NFC');
    if (await this.byName(name)) throw taken(name);
    const hash = await this.passwords.hash(this.box.open(password, loginSecret(username)));
    // In a transaction, so that the name is not taken by a call whose caller has given up.
    return this.database.transaction(async ({ manager }) => {
      const [user] = (await manager.query(
        `INSERT INTO users (id, username, password_hash, email, fullname) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (username) DO NOTHING RETURNING ${COLUMNS}`,
        [randomUUID(), name, hash, email, fullname],
      )) as UserRow[];
      if (!user) throw taken(name);
      return this.toContract(user);
    });
  }

  async authenticate({ username, password }: SealedLogin): Promise<User> {
    const plain = this.box.open(password, loginSecret(username));
    const user = await this.byName(username.normalize('NFC'));
    const right = await this.passwords.verify(user?.passwordHash ?? null, plain);
    if (!user || !right) throw new ViceError('UNAUTHENTICATED', 'the username or the password is wrong');
    return this.toContract(user);
  }

  async get(userId: string): Promise<User> {
    const [user] = isUUID(userId)
      ? await this.database.query<UserRow>(`SELECT ${COLUMNS} FROM users WHERE id = $1`, [userId])
      : [];
    if (!user) throw new ViceError('USER_NOT_FOUND', 'this user does not exist');
    return this.toContract(user);
  }

  private async byName(name: string): Promise<UserRow | undefined> {
    if (name.includes('\0')) return undefined; // no text of PostgreSQL's holds it
    const [user] = await this.database.query<UserRow>(`SELECT ${COLUMNS} FROM users WHERE username = $1`, [name]);
    return user;
  }

  private toContract({ id, username, email, fullname, administrator }: UserRow): User {
    return { id, username, email, fullname, administrator: this.administrators.includes({ username, administrator }) };
  }
}

const taken = (name: string): ViceError =>
  new ViceError('USERNAME_TAKEN', `the username "${name}" is taken: choose another`, {
    fields: [{ field: 'username', message: 'is taken' }],
  });
