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
  /** Raises CONFIGURATION where the asking service, which seals with `keyId` and opens with `opens`, cannot work with this database. */
  checkKey: callTo<{ keyId: string; opens?: string[] }, Empty>('registry', 'key.check'),
};

/** What a login password is bound to while it is sealed. */
export const loginSecret = (username: string): string => `login:${username}`;
