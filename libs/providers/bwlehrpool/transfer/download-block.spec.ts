import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { BlockQueue } from './block-queue.js';
import { DownloadBlock } from './download-block.js';

const content = randomBytes(2.5 * 2 ** 20);
const sha1 = createHash('sha1').update(content).digest();
const range = { start: 1000, end: 1000 + content.length };
const drained = (block: DownloadBlock) => Buffer.concat([...block.drain()]);

describe('a block on its way in', () => {
  it.each([1, 1000, 2 ** 20, content.length])('is whole, whatever it came in: pieces of %d bytes', (size) => {
    const block = new DownloadBlock(0, range.start, range, sha1);
    const step = Math.max(size, 999);
    for (let at = 0; at < content.length; at += step) block.take(content.subarray(at, at + step));
    expect(block.missing.start).toBe(block.missing.end);
    expect(block.isSound()).toBe(true);
    expect(drained(block).equals(content)).toBe(true);
  });

  it('is asked for from where it broke off', () => {
    const block = new DownloadBlock(0, range.start, range, sha1);
    block.take(content.subarray(0, 77));
    expect(block.missing).toEqual({ start: 1077, end: range.end });
  });

  it('is asked for anew where it came damaged', () => {
    const block = new DownloadBlock(0, range.start, range, sha1);
    block.take(Buffer.alloc(content.length));
    expect(block.isSound()).toBe(false);
    expect(block.missing).toEqual(range);
    block.take(content);
    expect(block.isSound()).toBe(true);
    expect(drained(block).equals(content)).toBe(true);
  });

  it.each([1, 2 ** 20, 2 ** 20 + 5])('gives only what is wanted of it, from byte %d on, and is checked as a whole', (skip) => {
    const block = new DownloadBlock(0, range.start + skip, range, sha1);
    expect(block.missing).toEqual(range);
    block.take(content);
    expect(block.isSound()).toBe(true);
    expect(drained(block).equals(content.subarray(skip))).toBe(true);
  });

  it('is asked for only as far as it is wanted where there is nothing to check it by', () => {
    const block = new DownloadBlock(0, range.start + 5, range, undefined);
    expect(block.missing).toEqual({ start: 1005, end: range.end });
    block.take(content.subarray(5));
    expect(drained(block).equals(content.subarray(5))).toBe(true);
  });
});

describe('the queue of blocks', () => {
  const bytes = (index: number) => Buffer.from([index, index]);
  const make = (index: number) => new DownloadBlock(index, index * 2, { start: index * 2, end: index * 2 + 2 }, undefined);
  const fetched = (queue: BlockQueue, block: DownloadBlock) => {
    block.take(bytes(block.index));
    queue.deliver(block);
  };

  it('hands out three at once, and the next when the first was passed on', async () => {
    const queue = new BlockQueue(0, 5, make);
    const [first, second, third] = [await queue.next(), await queue.next(), await queue.next()];
    const fourth = queue.next();
    const order = queue.inOrder();
    fetched(queue, third!);
    fetched(queue, second!);
    fetched(queue, first!);
    for (const index of [0, 1, 2]) expect((await order.next()).value).toEqual(bytes(index));
    expect((await fourth)?.index).toBe(3);
  });

  it('hands out first what was given back', async () => {
    const queue = new BlockQueue(2, 5, make);
    const block = (await queue.next())!;
    await queue.next();
    queue.giveBack(block);
    expect(await queue.next()).toBe(block);
  });

  it('ends for all when the last block is there', async () => {
    const queue = new BlockQueue(0, 2, make);
    const [first, second] = [(await queue.next())!, (await queue.next())!];
    const further = queue.next();
    fetched(queue, second);
    fetched(queue, first);
    expect(await further).toBeNull();
    const all = [];
    for await (const piece of queue.inOrder()) all.push(piece);
    expect(all).toEqual([bytes(0), bytes(1)]);
  });

  it('fails for all at once', async () => {
    const queue = new BlockQueue(0, 9, make);
    const order = queue.inOrder().next();
    for (let i = 0; i < 3; i++) await queue.next();
    const further = queue.next();
    const fault = new Error('gone');
    queue.fail(fault);
    await expect(order).rejects.toBe(fault);
    await expect(further).rejects.toBe(fault);
  });
});
