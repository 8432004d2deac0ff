import { expect, test } from '@jest/globals';
import { tsqueryOf } from './image.search.js';

test.each([
  ['ubuntu', "'ubuntu':*"],
  ['ubuntu server', "'ubuntu':* & 'server':*"],
  ['  ubuntu   server ', "'ubuntu':* & 'server':*"],
  ['registry.example.org/my-image_v2:latest', "'registry':* & 'example':* & 'org':* & 'my':* & 'image':* & 'v2':* & 'latest':*"],
  ["it's \\ 'quoted'", "'it':* & 's':* & 'quoted':*"],
  ['a\0b', "'a':* & 'b':*"],
  ['größe', "'größe':*"],
  ['日本語', "'日本語':*"],
  ['', null],
  [' -- !()&|<>* ', null],
])('%j is asked as %j', (q, query) => {
  expect(tsqueryOf(q)).toBe(query);
});

test('no more than 32 words are asked for', () => {
  expect(tsqueryOf(Array(100).fill('x').join(' '))?.split(' & ')).toHaveLength(32);
});
