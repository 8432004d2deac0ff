import { type Administrator } from '../api/administrator.js';
import { type User } from '../api/user.js';
import { callTo, type Empty, type Sealed } from './call.js';

/** `password` is bound to `loginSecret(username)`. */
export interface SealedLogin {
  username: string;
  password: Sealed;
}

export const UserCalls = {
  createUser: callTo<SealedLogin & { email: string | null; fullname: string | null }, User>('registry', 'user.create'),
  /** Raises UNAUTHENTICATED for an unknown name and for a wrong password alike. */
  authenticate: callTo<SealedLogin, User>('registry', 'user.authenticate'),
  getUser: callTo<{ userId: string }, User>('registry', 'user.get'),
  /** This and the next two raise FORBIDDEN unless the user who asks is an administrator. */
  findAdministrators: callTo<{ userId: string }, Administrator[]>('registry', 'administrator.find'),
  /** Raises USER_NOT_FOUND. One who is an administrator already stays one. */
  nameAdministrator: callTo<{ userId: string; username: string }, Administrator>('registry', 'administrator.name'),
  /** Raises USER_NOT_FOUND also of one who is no administrator, CONFLICT of the one whom the setting names. */
  withdrawAdministrator: callTo<{ userId: string; username: string }, Empty>('registry', 'administrator.withdraw'),
  /** Raises CONFIGURATION where the asking service, which seals with `keyId` and opens with `opens`, cannot work with this database. */
  checkKey: callTo<{ keyId: string; opens?: string[] }, Empty>('registry', 'key.check'),
};

/** What a login password is bound to while it is sealed. */
export const loginSecret = (username: string): string => `login:${username}`;
