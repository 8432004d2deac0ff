import { describe, expect, test } from '@jest/globals';
import { asObject, folded, parseJson } from './json.js';

const parse = (text: string, uniqueKeys = true) => parseJson(Buffer.from(text), 'the document', { uniqueKeys });
const nested = (depth: number, [open, close]: [string, string] = ['[', ']']) => open.repeat(depth) + close.repeat(depth);
const refusal = (message: string) =>
  expect.objectContaining({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });

describe('a JSON document', () => {
  test.each([
    '{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"a","d":["a","a","b:"]}',
    '{"a\\"":1,"a":2,"\\\\":3,"A":4}',
    '{ "a" : "}{][\\"" , "b" : ":" }',
    '"a"',
    nested(32),
    `["${nested(100)}"]`,
  ])('is parsed: %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test.each(['', '{', ']', '{"a"', '{"\\x":1}', '"a', ':', '{"a":1}}', '\ufeff{}', '{"a":1,}', '[1]2', `${'"a" '.repeat(9)}`])(
    'that reads %j is invalid',
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
    },
  );

  test.each([
    ['{"a":{"b":[1]},"a":{}}', '"a"'],
    ['[{"x":0},{"a":1, "\\u0061" : 2}]', '"a"'],
    ['{"a":[{"b":1,"c":{"b":2},"b":3}]}', '"b"'],
    ['{"__proto__":1,"__proto__":2}', '"__proto__"'],
  ])('with one key twice in an object is refused: %s', (text, key) => {
    expect(() => parse(text)).toThrow(refusal(`has the key ${key} twice`));
    expect(parse(text, false)).toEqual(JSON.parse(text));
  });

  test.each([33, 10_000, 4_000_000])('nested %i levels deep is refused', (depth) => {
    expect(() => parse(nested(depth))).toThrow(refusal('more than 32 levels deep'));
    expect(() => parse('{"a":'.repeat(depth), false)).toThrow(refusal('more than 32 levels deep'));
  });

  test('of 8 MiB is looked through in a moment', () => {
    const text = `{"a":"${'\\n'.repeat(2 ** 21)}","b":[${'{},'.repeat(2 ** 20)}{}]${' '.repeat(2 ** 20)}}`;
    const began = performance.now();
    expect(() => parse(text)).not.toThrow();
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('an object with fields that programs look for', () => {
  const read = (keys: string[]) =>
    asObject(Object.fromEntries(keys.map((key) => [key, 1])), 'the object', ['Layers', 'os.version', 'MacAddress', 'diff_ids']);

  test('may have any other key', () => {
    expect(read(['Layers', 'os.version', 'diff_ids', 'x', 'Größe', 'layer', 'os_version'])).toHaveProperty('Größe');
    expect(read(['__proto__', 'constructor'])).toBeDefined();
  });

  test.each(['layers', 'LAYERS', 'Layer\u017f', 'OS.Version', 'o\u017f.version', 'diff_id\u017f', 'DIFF_IDS'])(
    'is refused with %s, alone and beside the right one',
    (key) => {
      expect(() => read([key])).toThrow(refusal('which programs may take for'));
      expect(() => read(['Layers', 'os.version', 'diff_ids', key])).toThrow(refusal('which programs may take for'));
    },
  );

  test('is refused with one key in two spellings, whatever it is', () => {
    expect(() => read(['links', 'lin\u212as'])).toThrow(refusal('which programs may take for "links"'));
  });

  test.each([null, [], 'x', undefined])('is no other value: %j', (value) => {
    expect(() => asObject(value, 'the object', [])).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });

  test('is read by the folding of Unicode, which a regular expression knows too', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      const letter = /^[a-z]$/iu.test(character)
        ? [...'abcdefghijklmnopqrstuvwxyz'].find((l) => new RegExp(l, 'iu').test(character))
        : undefined;
      if (letter) expect(folded(character)).toBe(letter);
    }
  });
});
