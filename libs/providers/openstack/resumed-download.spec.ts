import { describe, expect, it } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { resumed } from './resumed-download.js';

const BYTES = Buffer.from('0123456789');
const brokeOff = () => new ViceError('ENVIRONMENT_UNREACHABLE', 'the connection broke off');

/** Each connection gives as many bytes as the next entry says, and breaks then. */
function connections(lengths: number[], error = brokeOff()) {
  const asked: number[] = [];
  const read = async function* (offset: number) {
    asked.push(offset);
    const length = lengths.shift() ?? BYTES.length;
    yield BYTES.subarray(offset, offset + length);
    if (offset + length < BYTES.length) throw error;
  };
  return { asked, read };
}

async function all(bytes: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const never = new AbortController().signal;

describe('a download that is resumed', () => {
  it('reads on from where the connection broke', async () => {
    const { asked, read } = connections([3, 4]);
    expect(await all(resumed(read, { offset: 0, size: 10 }, never))).toBe('0123456789');
    expect(asked).toEqual([0, 3, 7]);
  });

  it('begins where it is told to', async () => {
    const { asked, read } = connections([]);
    expect(await all(resumed(read, { offset: 6, size: 10 }, never))).toBe('6789');
    expect(asked).toEqual([6]);
  });

  it('asks for nothing where everything is there', async () => {
    const { asked, read } = connections([]);
    expect(await all(resumed(read, { offset: 10, size: 10 }, never))).toBe('');
    expect(asked).toEqual([]);
  });

  it('counts a connection that ends too early as broken', async () => {
    const asked: number[] = [];
    const read = async function* (offset: number) {
      asked.push(offset);
      yield BYTES.subarray(offset, offset + 5);
    };
    expect(await all(resumed(read, { offset: 0, size: 10 }, never))).toBe('0123456789');
    expect(asked).toEqual([0, 5]);
  });

  it('leaves it to the next attempt when the first connection gives nothing, or the cloud refuses', async () => {
    const nothing = async function* (): AsyncGenerator<Buffer> {
      throw brokeOff();
    };
    await expect(all(resumed(nothing, { offset: 0, size: 10 }, never))).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNREACHABLE',
    });
    const busy = connections([3], new ViceError('ENVIRONMENT_BUSY', 'later'));
    await expect(all(resumed(busy.read, { offset: 0, size: 10 }, never))).rejects.toMatchObject({ code: 'ENVIRONMENT_BUSY' });
  });

  it('stops at once when it is told to', async () => {
    const control = new AbortController();
    const reason = new ViceError('JOB_CANCELLED', 'cancelled');
    const read = async function* () {
      yield BYTES.subarray(0, 1);
      control.abort(reason);
      throw brokeOff();
    };
    await expect(all(resumed(read, { offset: 0, size: 10 }, control.signal))).rejects.toBe(reason);
  });
});
