import { describe, expect, it } from '@jest/globals';
import { VerificationQueue } from './verification-queue.js';

describe('VerificationQueue', () => {
  it('runs two at once, lets one wait, refuses the next, and goes on after a failure', async () => {
    const queue = new VerificationQueue(2, 1);
    const ends: ((error?: Error) => void)[] = [];
    const work = () => new Promise<string>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve('done'))));
    const first = queue.run(work);
    const second = queue.run(work);
    const third = queue.run(work);
    await expect(queue.run(work)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
    expect(ends).toHaveLength(2);
    ends[0]?.(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await new Promise(setImmediate);
    expect(ends).toHaveLength(3);
    ends[1]?.();
    ends[2]?.();
    await expect(Promise.all([second, third])).resolves.toEqual(['done', 'done']);
  });
});
