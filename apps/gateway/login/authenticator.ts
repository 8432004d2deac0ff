import { Injectable } from '@nestjs/common';
import { loginSecret, UserCalls, type User } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { CallClient } from '#libs/messaging';
import { SecretBox } from '#libs/secrets';
import { type BasicCredentials } from './basic-credentials.js';
import { FailureThrottle } from './failure-throttle.js';
import { VerificationQueue } from './verification-queue.js';

const TRUSTED_MS = 60_000;
const MAX_KNOWN = 10_000;
const VERIFICATIONS_AT_ONCE = 4;
const VERIFICATIONS_WAITING = 64;

interface KnownLogin {
  user: User;
  trustedUntil: number;
}

/**
 * Says who logs in. Every request brings its credentials, and argon2id takes its time by design: so what the registry approved is trusted for
 * 60 s, kept by a keyed digest of the credentials, never by the password.
 */
@Injectable()
export class Authenticator {
  private readonly known = new Map<string, KnownLogin>();
  private readonly underWay = new Map<string, Promise<User>>();
  private readonly throttle = new FailureThrottle();
  private readonly queue = new VerificationQueue(VERIFICATIONS_AT_ONCE, VERIFICATIONS_WAITING);

  constructor(
    private readonly calls: CallClient,
    private readonly box: SecretBox,
  ) {}

  /** Raises UNAUTHENTICATED, TOO_MANY_REQUESTS or UNAVAILABLE. */
  authenticate(credentials: BasicCredentials): User | Promise<User> {
    const key = this.box.mac(`${credentials.username}:${credentials.password}`);
    const login = this.known.get(key);
    if (login && login.trustedUntil > performance.now()) return login.user;
    return this.underWay.get(key) ?? this.verifyOnce(key, credentials, login !== undefined);
  }

  /** Requests that come with the same credentials meanwhile wait for the same answer. */
  private verifyOnce(key: string, credentials: BasicCredentials, approvedBefore: boolean): Promise<User> {
    const verification = this.verify(key, credentials, approvedBefore).finally(() => this.underWay.delete(key));
    this.underWay.set(key, verification);
    return verification;
  }

  private async verify(key: string, credentials: BasicCredentials, approvedBefore: boolean): Promise<User> {
    const { username } = credentials;
    // What was right before is not guessed: someone else's guesses at that name do not lock it out.
    if (!approvedBefore) this.throttle.charge(username);
    try {
      const user = await this.queue.run(() => this.askRegistry(credentials));
      if (!approvedBefore) this.throttle.refund(username);
      this.remember(key, user);
      return user;
    } catch (error) {
      const wrong = error instanceof ViceError && error.code === 'UNAUTHENTICATED';
      if (wrong) this.known.delete(key);
      else if (!approvedBefore) this.throttle.refund(username);
      throw error;
    }
  }

  private askRegistry({ username, password }: BasicCredentials): Promise<User> {
    return this.calls.ask(UserCalls.authenticate, { username, password: this.box.seal(password, loginSecret(username)) });
  }

  private remember(key: string, user: User): void {
    this.known.delete(key);
    const oldest = this.known.size >= MAX_KNOWN ? this.known.keys().next() : undefined;
    if (oldest && !oldest.done) this.known.delete(oldest.value);
    this.known.set(key, { user, trustedUntil: performance.now() + TRUSTED_MS });
  }
}
