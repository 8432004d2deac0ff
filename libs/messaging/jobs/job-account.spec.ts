import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { JobLog } from './job-log.js';
import { Progress } from './progress.js';

describe('progress', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('tells what was moved, and how fast over the last ten seconds', () => {
    const progress = new Progress();
    expect(progress.read()).toEqual({ bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 });
    progress.setTotal(50_000);
    const move = (seconds: number, rate: number) => {
      for (let i = 0; i < seconds; i += 1) {
        jest.advanceTimersByTime(1_000);
        progress.advance(rate);
      }
    };
    move(5, 1_000);
    expect(progress.read()).toEqual({ bytesDone: 5_000, bytesTotal: 50_000, bytesPerSecond: 1_000 });
    move(15, 200);
    expect(progress.read()).toEqual({ bytesDone: 8_000, bytesTotal: 50_000, bytesPerSecond: 200 });
  });

  test('tells how much of it a former attempt had moved', () => {
    const progress = new Progress();
    progress.carryOver(700);
    progress.advance(300);
    expect(progress.read()).toMatchObject({ bytesDone: 1_000, bytesCarried: 700 });
  });

  test('comes down to nothing when nothing moves', () => {
    const progress = new Progress();
    jest.advanceTimersByTime(1_000);
    progress.advance(10_000);
    jest.advanceTimersByTime(20_000);
    expect(progress.read().bytesPerSecond).toBe(0);
  });
});

describe('a log', () => {
  test('keeps lines, and tells them when there is something new', () => {
    const log = new JobLog();
    expect(log.news).toBeUndefined();
    log.add('one');
    log.add('two\n');
    expect(log.news).toBe('one\ntwo\n');
    log.markTold(log.news);
    expect(log.news).toBeUndefined();
    expect(log.whole).toBe('one\ntwo\n');
  });

  test('keeps the last 64 KiB, from the beginning of a line', () => {
    const log = new JobLog();
    for (let i = 0; i < 20_000; i += 1) log.add(`línea ${i}`);
    const text = log.whole ?? '';
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024);
    expect(text).toMatch(/^línea \d+\n/);
    expect(text.endsWith('línea 19999\n')).toBe(true);
  });
});
