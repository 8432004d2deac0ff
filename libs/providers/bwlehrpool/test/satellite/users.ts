import { randomUUID } from 'node:crypto';
import { authorization } from './exceptions.js';

export interface TestUser {
  id: string;
  login: string;
  password: string;
  accessCode: string;
  firstName: string;
  lastName: string;
  isStudent: boolean;
}

const user = (login: string, firstName: string, lastName: string, isStudent = false): TestUser => ({
  id: `id-of-${login}`,
  login,
  password: `secret of ${login}`,
  accessCode: `code-of-${login}`,
  firstName,
  lastName,
  isStudent,
});

export const LECTURER = user('lecturer', 'Ada', 'Lovelace');
export const COLLEAGUE = user('colleague', 'Charles', 'Babbage');
export const STUDENT = user('student', 'Evariste', 'Galois', true);

/** Who may log in, and who has. */
export class Users {
  /** Who leaves out whom a login is for. */
  readonly untold = { satellite: false, master: false };
  private readonly tokens = new Map<string, TestUser>();
  private readonly all = [LECTURER, COLLEAGUE, STUDENT];

  logIn(login: string, password: string): { token: string; user: TestUser } {
    return this.admit(this.all.find((one) => one.login === login && one.password === password));
  }

  logInByCode(code: string): { token: string; user: TestUser } {
    return this.admit(this.all.find(({ accessCode }) => accessCode === code));
  }

  byToken(token: string): TestUser {
    const found = this.tokens.get(token);
    if (!found) throw authorization(1);
    return found;
  }

  /** All logins are over. */
  expire(): void {
    this.tokens.clear();
  }

  forget(token: string): void {
    this.tokens.delete(token);
  }

  /** How many logins are open. */
  get open(): number {
    return this.tokens.size;
  }

  private admit(found: TestUser | undefined): { token: string; user: TestUser } {
    if (!found) throw authorization(5, 'Wrong login or password');
    const token = randomUUID();
    this.tokens.set(token, found);
    return { token, user: found };
  }
}
