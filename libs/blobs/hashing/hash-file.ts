import { type FileHandle } from 'node:fs/promises';
import { type Algorithm } from './hash-thread.js';
import { hashThreads } from './hash-threads.js';
import { SLOT_BYTES, type Slot } from './slot-pool.js';

/** Pieces that may wait for the thread while the next is read. */
const IN_FLIGHT = 3;

/** Hashes the first `size` bytes of an open file in a thread. Raises the signal's reason, and says where the file is shorter. */
export async function hashFile(
  handle: FileHandle,
  size: number,
  algorithms: Algorithm[],
  signal?: AbortSignal,
): Promise<Partial<Record<Algorithm, string>>> {
  const digester = hashThreads.begin(algorithms);
  const underWay: Promise<void>[] = [];
  const hash = async (slot: Slot, length: number): Promise<void> => {
    try {
      await digester.update(slot, length);
    } finally {
      hashThreads.slots.giveBack(slot);
    }
  };
  try {
    for (let position = 0; position < size; position += SLOT_BYTES) {
      signal?.throwIfAborted();
      if (underWay.length >= IN_FLIGHT) await underWay.shift();
      const slot = await filledSlot(handle, position, Math.min(SLOT_BYTES, size - position));
      const hashed = hash(slot, Math.min(SLOT_BYTES, size - position));
      hashed.catch(() => undefined); // raised when its turn comes
      underWay.push(hashed);
    }
    await Promise.all(underWay);
    const checksums = await digester.digest();
    return Object.fromEntries(algorithms.map((algorithm, index) => [algorithm, checksums[index]]));
  } finally {
    await Promise.allSettled(underWay);
    digester.drop();
  }
}

async function filledSlot(handle: FileHandle, position: number, length: number): Promise<Slot> {
  const slot = await hashThreads.slots.take();
  try {
    for (let filled = 0; filled < length;) {
      const { bytesRead } = await handle.read(slot.bytes, filled, length - filled, position + filled);
      if (bytesRead === 0) throw new Error(`the file ends at byte ${position + filled}, before it is all hashed`);
      filled += bytesRead;
    }
    return slot;
  } catch (error) {
    hashThreads.slots.giveBack(slot);
    throw error;
  }
}
