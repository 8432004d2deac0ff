import { expect, test } from '@jest/globals';
import { runtimeStats } from './stats.service.js';

test('what is ready in the queues of a kind and what is in hand is pending, the consumers of its first queue are its workers', () => {
  const depths = {
    import: { ready: 3, consumers: 2 },
    export: { ready: 0, consumers: 0 },
    store: { ready: 5, consumers: 4 },
    convert: { ready: 7, consumers: 4 },
  };
  expect(
    runtimeStats(
      depths,
      new Map([
        ['import', 2],
        ['store', 1],
      ]),
    ),
  ).toEqual({
    importsPending: 5,
    importWorker: 2,
    exportsPending: 0,
    exportWorker: 0,
    storePending: 13,
    storeWorker: 4,
  });
});
