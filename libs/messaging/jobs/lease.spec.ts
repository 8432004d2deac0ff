import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Lease, now } from './lease.js';

describe('a lease', () => {
  const lost = jest.fn();
  beforeEach(() => {
    lost.mockClear();
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('ends when its time is over, and says so once', () => {
    const lease = new Lease(1_000, now(), lost);
    jest.advanceTimersByTime(999);
    expect(lease.held).toBe(true);
    jest.advanceTimersByTime(1);
    expect(lost).toHaveBeenCalledTimes(1);
    expect(lease.held).toBe(false);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  test('counts from the sending, not from the answer', () => {
    const sent = now();
    jest.advanceTimersByTime(600);
    const lease = new Lease(1_000, sent, lost);
    jest.advanceTimersByTime(400);
    expect(lease.held).toBe(false);
  });

  test('is renewed from the sending of the newest heartbeat, whatever order the answers come in', () => {
    const lease = new Lease(1_000, now(), lost);
    jest.advanceTimersByTime(300);
    const early = now();
    jest.advanceTimersByTime(300);
    const late = now();
    lease.renew(1_000, late);
    lease.renew(1_000, early);
    jest.advanceTimersByTime(999);
    expect(lease.held).toBe(true);
    jest.advanceTimersByTime(1);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  test('does not come back', () => {
    const lease = new Lease(1_000, now(), lost);
    jest.advanceTimersByTime(1_000);
    lease.renew(1_000, now());
    expect(lease.held).toBe(false);
  });

  test('is over for a process that slept, before its timers come', () => {
    const lease = new Lease(1_000, now(), lost);
    jest.setSystemTime(Date.now() + 5_000);
    expect(lease.held).toBe(false);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  test('nobody is told when the job is over', () => {
    const lease = new Lease(1_000, now(), lost);
    lease.forget();
    jest.advanceTimersByTime(5_000);
    expect(lost).not.toHaveBeenCalled();
  });
});
