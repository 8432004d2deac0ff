import { type JobMessage } from '#libs/contracts';
import { type JobDelivery } from '../broker.js';

/**
 * The message of an attempt that this worker has in hand. It is delivered again when the connection broke, or the registry published it
 * twice: the newest delivery takes the former's place, so that one attempt never holds more than one message.
 */
export class HeldDelivery {
  constructor(private delivery: JobDelivery) {}

  get message(): JobMessage {
    return this.delivery.message;
  }

  adopt(newer: JobDelivery): void {
    this.delivery.ack();
    this.delivery = newer;
  }

  ack(): void {
    this.delivery.ack();
  }

  release(): void {
    this.delivery.release();
  }

  refuse(): void {
    this.delivery.refuse();
  }
}
