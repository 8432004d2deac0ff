import { describe, expect, it } from '@jest/globals';
import { FailureThrottle } from './failure-throttle.js';

describe('FailureThrottle', () => {
  it('refuses from 50 failures of one name on, until the minute is over', () => {
    let now = 0;
    const throttle = new FailureThrottle(() => now);
    for (let i = 0; i < 50; i++) throttle.charge('ada');
    now = 20_000;
    expect(() => throttle.charge('ada')).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS', retryAfter: 40 }));
    throttle.charge('bob');
    now = 60_000;
    throttle.charge('ada');
  });

  it('does not count what was refunded', () => {
    const throttle = new FailureThrottle(() => 0);
    for (let i = 0; i < 200; i++) {
      throttle.charge('ada');
      throttle.refund('ada');
    }
    throttle.charge('ada');
  });
});
