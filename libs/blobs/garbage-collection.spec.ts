import { beforeEach, expect, test } from '@jest/globals';
import { BlobCalls, type Ask } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { BlobLedger } from './blob-ledger.js';
import { type BlobStore } from './blob-store.js';
import { collectBlobs, sweepStaging } from './garbage-collection.js';

const GARBAGE = ['a', 'b', 'c'];

let removed: string[];
let forgotten: string[];
let ledger: BlobLedger;
let store: BlobStore;

beforeEach(() => {
  removed = [];
  forgotten = [];
  const ask: Ask = async (call, request) => {
    if (call.name === BlobCalls.condemnBlobs.name)
      return { digests: GARBAGE.filter((each) => !forgotten.includes(each)) } as never;
    if (call.name === BlobCalls.endedWriters.name) return { ended: GARBAGE } as never;
    forgotten.push(...(request as { digests: string[] }).digests);
    return {} as never;
  };
  ledger = new BlobLedger(ask);
  const remove = async (what: string) => void removed.push(what);
  store = { stagedWriters: async () => GARBAGE, removeStaged: remove, removeBytes: remove } as unknown as BlobStore;
});

/** Whose lease is over after two removals, though no signal has said so yet. */
const suspended = {
  throwIfStopped: () => {
    if (removed.length === 2) throw new ViceError('LEASE_LOST', 'over');
  },
};

test('removes bytes only as long as nobody else may collect, and forgets nothing then', async () => {
  await expect(collectBlobs(store, ledger, suspended)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(removed).toEqual(['a', 'b']);
  expect(forgotten).toEqual([]);
});

test('sweeps what was staged only as long as nobody else may', async () => {
  await expect(sweepStaging(store, ledger, suspended)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(removed).toEqual(['a', 'b']);
});

test('collects all there is, and counts it', async () => {
  expect(await collectBlobs(store, ledger, { throwIfStopped: () => {} })).toBe(3);
  expect(forgotten).toEqual(GARBAGE);
});
