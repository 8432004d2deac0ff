import { type OnReadOpts } from 'node:net';

/** More than a record of TLS has. */
const BYTES = 2 ** 16;

/**
 * Where the bytes of a connection arrive: in one buffer that is used again and again. A fresh one for each record of TLS would have garbage collected
 * all the time, which takes as long as hashing the bytes.
 */
export class Intake implements OnReadOpts {
  readonly buffer = Buffer.allocUnsafeSlow(BYTES);
  private hear: ((bytes: Buffer) => void) | null = null;

  /** @param hear what it is given is good only until it returns */
  listen(hear: (bytes: Buffer) => void): void {
    this.hear = hear;
  }

  /** Nobody speaks before we have: what comes without a listener is nothing that we want, and ends the reading. */
  readonly callback = (count: number): boolean => {
    this.hear?.(this.buffer.subarray(0, count));
    return this.hear !== null;
  };
}
