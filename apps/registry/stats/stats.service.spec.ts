import { expect, test } from '@jest/globals';
import { pendingOf, workersOf } from './stats.service.js';

const depths = {
  import: { ready: 3, consumers: 2 },
  export: { ready: 0, consumers: 0 },
  store: { ready: 5, consumers: 4 },
  convert: { ready: 7, consumers: 4 },
};

test('what is ready in the queues of a kind and what is in hand is pending', () => {
  expect(pendingOf(depths, { import: 2, export: 0, store: 1 })).toEqual({ import: 5, export: 0, store: 13 });
});

test('the consumers of the first queue of a kind are its workers', () => {
  expect(workersOf(depths)).toEqual({ import: 2, export: 0, store: 4 });
});
