import { expect, test } from '@jest/globals';
import { isStorableJson } from './storable-json.js';

const nested = (depth: number): unknown => (depth === 0 ? {} : { a: nested(depth - 1) });

test.each<[string, unknown, boolean]>([
  ['plain values', { a: [1, null, true, 'größe 😀', { b: '\n\t' }] }, true],
  ['nothing', {}, true],
  ['NUL in a text', { a: 'b\0' }, false],
  ['NUL in a key', { 'a\0': 1 }, false],
  ['NUL far inside', { a: [{ b: ['\0'] }] }, false],
  ['half a surrogate pair', { a: '\ud83d' }, false],
  ['half a surrogate pair in a key', { '\ude00': 1 }, false],
  ['a number beyond all that JSON can write', { a: [Infinity] }, false],
  ['a key that is a prototype elsewhere', JSON.parse('{"a":{"__proto__":{}}}'), false],
  ['64 levels', nested(63), true],
  ['65 levels', nested(64), false],
  ['very many levels', nested(5000), false],
])('%s', (_, value, storable) => {
  expect(isStorableJson(value)).toBe(storable);
});
