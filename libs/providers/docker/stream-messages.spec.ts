import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { streamMessages } from './stream-messages.js';

const read = async (...chunks: (string | Buffer)[]) => {
  const messages = [];
  for await (const said of streamMessages(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) messages.push(said);
  return messages;
};

describe('what an engine says in a stream', () => {
  it('comes line by line, however it is cut', async () => {
    const text = Buffer.from('{"stream":"Schritt 1: ä"}\r\n\n{"status":"x"}');
    const cut = text.indexOf(0xc3) + 1;
    await expect(read(text.subarray(0, cut), text.subarray(cut))).resolves.toEqual([{ stream: 'Schritt 1: ä' }, { status: 'x' }]);
  });

  it.each([
    '{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}\n',
    '{"error":"no space left on device"}',
    '{"message":"no space left on device"}',
  ])('is a failure when its last line says so: %s', async (line) => {
    await expect(read('{"stream":"fine"}\n', line)).rejects.toMatchObject({ status: 500, message: 'no space left on device' });
  });

  it('is not understood when it is no JSON, and not held when it is endless', async () => {
    await expect(read('<html>\n')).rejects.toThrow(/not understood/);
    await expect(read(...Array.from({ length: 20 }, () => 'x'.repeat(100_000)))).rejects.toThrow(/too long/);
  });
});
