import { describe, expect, it } from '@jest/globals';
import { BLOCK_BYTES } from './blocks.js';
import { SentBytes } from './sent-bytes.js';
import { statusOf } from './upload-status.js';

describe('the status of an upload', () => {
  it.each([
    [[0, 0, 0], 0, 'idle', true],
    [[1, 1, 1], 0, 'idle', true],
    [[0, 3, 0], 0, 'idle', true],
    [[0, 2, 0], 0, 'idle', true],
    [[0, 4, 0], 0, 'idle', false],
    [[0, 0, 5], 0, 'idle', false],
    [[1, 4, 5], 0, 'idle', true],
    [[0, 1, 2], 1, 'working', true],
    [[0, 3, 0], 1, 'working', true],
    [[0, 2, 5], 1, 'working', false],
    [[0, 4, 0], 1, 'working', false],
    [[0, 0, 0], 1, 'working', true],
    [[0, 0, 0], 2, 'finished', false],
    [[0, 1, 0], 3, 'error', false],
  ])('%j in state %d is %s, and wants a line: %s', (blocks, state, name, wantsLine) => {
    const status = statusOf(Buffer.from(blocks), state, 3 * BLOCK_BYTES);
    expect(status).toMatchObject({ state: name, wantsLine, complete: blocks.map((block) => block === 0) });
  });
});

describe('sent bytes', () => {
  const size = 2 * BLOCK_BYTES + 10;
  const counting = () => {
    let moved = 0;
    const sent = new SentBytes({ size, moved: (bytes) => void (moved += bytes) });
    return { sent, moved: () => moved };
  };

  it('count once, however often they are sent', () => {
    const { sent, moved } = counting();
    sent.range(0, 100);
    sent.range(0, 50);
    sent.range(0, 120);
    expect(moved()).toBe(120);
    sent.block(0);
    expect(moved()).toBe(BLOCK_BYTES);
    sent.range(BLOCK_BYTES, size);
    sent.block(2);
    expect(moved()).toBe(size);
    sent.everything();
    sent.everything();
    expect(moved()).toBe(size);
  });

  it('count in the end also where they need not be sent', () => {
    const { sent, moved } = counting();
    sent.block(2);
    sent.everything();
    expect(moved()).toBe(size);
  });
});
