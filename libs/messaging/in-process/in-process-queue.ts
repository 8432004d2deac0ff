import { type JobMessage } from '#libs/contracts';
import { type JobDelivery, type Subscription } from '../broker.js';
import { DELIVERY_LIMIT } from '../topology.js';

interface Letter {
  /** JSON of the message. */
  readonly text: string;
  redeliveries: number;
}

interface Taker {
  readonly prefetch: number;
  readonly deliver: (delivery: JobDelivery) => void;
  unsettled: number;
}

/** One queue in memory: what is delivered is held until it is settled, as at a real broker. It ends with the process: the rows are what lasts. */
export class InProcessQueue {
  private readonly letters: Letter[] = [];
  private takers: Taker[] = [];
  private scheduled = false;

  /** `bury` gets what was given back too often. */
  constructor(private readonly bury: (message: JobMessage) => void) {}

  get depth(): { ready: number; consumers: number } {
    return { ready: this.letters.length, consumers: this.takers.length };
  }

  put(message: JobMessage): void {
    this.letters.push({ text: JSON.stringify(message), redeliveries: 0 });
    this.schedule();
  }

  consume(prefetch: number, deliver: (delivery: JobDelivery) => void): Subscription {
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
      message: JSON.parse(letter.text) as JobMessage,
      redelivered: letter.redeliveries > 0,
      ack: () => settle(() => undefined),
      release: () => settle(() => this.putBack(letter)),
    });
  }

  private putBack(letter: Letter): void {
    letter.redeliveries += 1;
    if (letter.redeliveries > DELIVERY_LIMIT) this.bury(JSON.parse(letter.text) as JobMessage);
    else this.letters.unshift(letter);
  }
}
