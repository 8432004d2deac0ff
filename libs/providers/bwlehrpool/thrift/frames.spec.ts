import { describe, expect, it } from '@jest/globals';
import { Frames } from './frames.js';

const frame = (text: string) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
};

describe('frames', () => {
  const stream = Buffer.concat([frame('one'), frame(''), frame('three'), frame('cut').subarray(0, 6)]);

  it.each([1, 2, 3, 4, 5, 7, 100])('are the same however they arrive: %d bytes at once', (size) => {
    const frames = new Frames();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size)
      for (const one of frames.take(stream.subarray(at, at + size))) found.push(one.toString());
    expect(found).toEqual(['one', '', 'three']);
  });

  it.each(['00fa0001', 'ffffffff', '48545450'])('are refused by their length alone: %s', (length) => {
    expect(() => [...new Frames().take(Buffer.from(length, 'hex'))]).toThrow(/a frame of/);
  });
});
