import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { hash, verify } from 'argon2';
import { ViceError } from '#libs/errors';
import { currentDeadline } from '#libs/messaging';

/** OWASP's first choice for argon2id; some 20 ms of one core. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const MAX_AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
const MAX_WAITING = 100;

/**
 * Hashes login passwords with argon2id. Only so many at once that half the machine stays free: a flood of wrong passwords must leave the
 * API alive. Raises UNAVAILABLE when too many wait already.
 */
@Injectable()
export class PasswordsService {
  private readonly hashOfNobody = hash(randomBytes(32), COST);
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** The form to store. */
  async hash(password: string): Promise<string> {
    return this.inTurn(() => hash(opaque(password), COST));
  }

  /** `stored` is null for a user who does not exist: that is never right, and takes as long to find out. */
  async verify(stored: string | null, password: string): Promise<boolean> {
    const against = stored ?? (await this.hashOfNobody);
    const right = await this.inTurn(() => verify(against, opaque(password)));
    return right && stored !== null;
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= MAX_AT_ONCE) {
      if (this.waiting.length >= MAX_WAITING)
        throw new ViceError('UNAVAILABLE', 'too many logins at once; try again shortly', { retryAfter: 1 });
      await new Promise<void>((proceed) => this.waiting.push(proceed));
    } else {
      this.running += 1;
    }
    try {
      refuseWhenLate();
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}

/** Whoever asked has given up while waiting: no work for nobody. */
function refuseWhenLate(): void {
  const deadline = currentDeadline();
  if (deadline !== undefined && Date.now() > deadline)
    throw new ViceError('UNAVAILABLE', 'too many logins at once; try again shortly', { retryAfter: 1 });
}

/** The same password typed on two keyboards may differ in its Unicode form; NFC as RFC 8265 has it. */
const opaque = (password: string): string => password.normalize('NFC');
