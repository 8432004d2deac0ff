import { describe, expect, it } from '@jest/globals';
import { decodeMeta, encodeMeta, rangeOf, rangeText } from './meta-block.js';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');

describe('meta blocks', () => {
  it.each([
    [{ RANGE: '0:20' }, '000a 52414e47453d303a3230 0000'],
    [{ DONE: '' }, '0005 444f4e453d 0000'],
    [{}, '0000'],
  ])('are as they were captured: %o', (fields, bytes) => {
    expect(encodeMeta(fields as Record<string, string>)).toEqual(hex(bytes));
    expect(decodeMeta(Buffer.concat([hex(bytes), Buffer.from('rest')]))).toEqual({
      meta: new Map(Object.entries(fields)),
      rest: Buffer.from('rest'),
    });
  });

  it('are waited for until they are whole', () => {
    const whole = encodeMeta({ COMPRESS: 'true', RANGE: '0:20' });
    for (let length = 0; length < whole.length; length++) expect(decodeMeta(whole.subarray(0, length))).toBeNull();
  });

  it('hold the first of two fields of a name, and values with an equals sign', () => {
    const twice = Buffer.concat([encodeMeta({ ERROR: 'a=b' }).subarray(0, -2), encodeMeta({ ERROR: 'second' })]);
    expect(decodeMeta(twice)?.meta).toEqual(new Map([['ERROR', 'a=b']]));
  });

  it('are refused without a key, or without an end', () => {
    expect(() => decodeMeta(hex('0002 3d78 0000'))).toThrow(/without a key/);
    const endless = Buffer.concat(
      Array.from({ length: 3 }, (_, i) => encodeMeta({ [`K${i}`]: 'x'.repeat(30_000) }).subarray(0, -2)),
    );
    expect(() => decodeMeta(endless)).toThrow(/more than/);
  });
});

describe('ranges', () => {
  it('are written as they are read', () => {
    expect(rangeOf(rangeText({ start: 4, end: 9 }))).toEqual({ start: 4, end: 9 });
  });

  it.each(['', '4', '4:', ':9', '9:4', '4:4', '-1:4', '0x1:9', '1:9:9', `0:${'9'.repeat(16)}`])('%s is none', (text) => {
    expect(rangeOf(text)).toBeNull();
  });
});
