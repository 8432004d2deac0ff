import { randomUUID } from 'node:crypto';
import { type Subscription } from '../broker.js';
import { DELIVERY_LIMIT } from '../topology.js';

/** Why a letter is dead, in the broker's words, and how often that has happened to it. */
interface Death {
  readonly reason: 'delivery_limit' | 'rejected';
  readonly count: number;
}

export interface Letter {
  readonly id: string;
  /** JSON of the message. */
  readonly text: string;
  readonly redeliveries: number;
  readonly death: Death | null;
}

/** A letter that was delivered. It is settled once: what comes later does nothing. */
export interface LetterInHand {
  readonly letter: Letter;
  ack(): void;
  release(): void;
  refuse(): void;
}

interface Taker {
  readonly prefetch: number;
  readonly deliver: (inHand: LetterInHand) => void;
  unsettled: number;
}

/** One queue in memory: what is delivered is held until it is settled, as at a real broker. It ends with the process: the rows are what lasts. */
export class InProcessQueue {
  private readonly letters: Letter[] = [];
  private takers: Taker[] = [];
  private scheduled = false;

  /** `bury` gets what was given back too often, and what was refused; without it a letter stays here until it is acked. */
  constructor(private readonly bury?: (letter: Letter) => void) {}

  get depth(): { ready: number; consumers: number } {
    return { ready: this.letters.length, consumers: this.takers.length };
  }

  put(text: string): void {
    this.add({ id: randomUUID(), text, redeliveries: 0, death: null });
  }

  add(letter: Letter): void {
    this.letters.push(letter);
    this.schedule();
  }

  consume(prefetch: number, deliver: (inHand: LetterInHand) => void): Subscription {
    const taker: Taker = { prefetch, deliver, unsettled: 0 };
    this.takers.push(taker);
    this.schedule();
    return { close: async () => void (this.takers = this.takers.filter((other) => other !== taker)) };
  }

  clear(): void {
    this.takers = [];
    this.letters.length = 0;
  }

  /** Delivers after the turn of whoever caused it. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.distribute();
    });
  }

  private distribute(): void {
    for (;;) {
      const taker = this.takers.find(({ unsettled, prefetch }) => unsettled < prefetch);
      const letter = taker && this.letters.shift();
      if (!letter) return;
      this.takers.push(...this.takers.splice(this.takers.indexOf(taker), 1));
      this.hand(letter, taker);
    }
  }

  private hand(letter: Letter, taker: Taker): void {
    taker.unsettled += 1;
    let settled = false;
    const settle = (then: () => void) => {
      if (settled) return;
      settled = true;
      taker.unsettled -= 1;
      then();
      this.schedule();
    };
    taker.deliver({
      letter,
      ack: () => settle(() => undefined),
      release: () => settle(() => this.putBack(letter)),
      refuse: () => settle(() => this.dies(letter, 'rejected')),
    });
  }

  private putBack(letter: Letter): void {
    const again = { ...letter, redeliveries: letter.redeliveries + 1 };
    if (this.bury && again.redeliveries > DELIVERY_LIMIT) this.dies(letter, 'delivery_limit');
    else this.letters.unshift(again);
  }

  private dies(letter: Letter, reason: Death['reason']): void {
    const count = letter.death?.reason === reason ? letter.death.count + 1 : 1;
    this.bury?.({ ...letter, redeliveries: 0, death: { reason, count } });
  }
}
