import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { hashThread, type Algorithm, type FromHashThread, type ToHashThread } from './hash-thread.js';
import { SlotPool, type Slot } from './slot-pool.js';

/** Hashes what slots hold, in a thread beside the event loop. Updates are taken in the order in which they are asked. */
export interface Digester {
  update(slot: Slot, length: number): Promise<void>;
  /** The checksums in the order of the algorithms, in lower-case hexadecimal. Ends it. */
  digest(): Promise<string[]>;
  /** Ends it without an answer; does nothing after `digest`. */
  drop(): void;
}

interface Thread {
  worker: Worker;
  /** Digesters that are at it. */
  load: number;
  answers: { resolve: (answer: FromHashThread) => void; reject: (error: Error) => void }[];
  /** Why it ended: nothing that it is told any more will be answered. */
  ended?: Error;
}

/**
 * The hashing threads of this process, as many as there are cores beside the event loop's, started when first needed. SHA-256 runs at about
 * 1.5 GB/s: on the event loop itself, one large upload would keep every other request waiting.
 */
export class HashThreads {
  readonly slots = new SlotPool();
  private readonly threads: Thread[] = [];
  private nextId = 0;

  begin(algorithms: Algorithm[]): Digester {
    const thread = this.leastLoaded();
    const id = this.nextId++;
    let ended = false;
    thread.load++;
    const end = () => {
      ended = true;
      thread.load--;
    };
    thread.worker.postMessage({ kind: 'begin', id, algorithms } satisfies ToHashThread);
    return {
      async update(slot, length) {
        await ask(thread, { kind: 'update', id, start: slot.start, length });
      },
      async digest() {
        end();
        return (await ask(thread, { kind: 'digest', id })) ?? [];
      },
      drop() {
        if (ended) return;
        end();
        thread.worker.postMessage({ kind: 'drop', id } satisfies ToHashThread);
      },
    };
  }

  private leastLoaded(): Thread {
    const idle = this.threads.find(({ load }) => load === 0);
    if (idle) return idle;
    if (this.threads.length < Math.max(1, Math.min(4, availableParallelism() - 1))) return this.start();
    return this.threads.reduce((least, thread) => (thread.load < least.load ? thread : least));
  }

  private start(): Thread {
    const source = `(${hashThread.toString()})(require('node:worker_threads'), require('node:crypto'))`;
    const worker = new Worker(source, { eval: true, workerData: this.slots.memory });
    const thread: Thread = { worker, load: 0, answers: [] };
    worker.unref();
    worker.on('message', (answer: FromHashThread) => {
      thread.answers.shift()?.resolve(answer);
      if (thread.answers.length === 0) worker.unref();
    });
    worker.on('error', (error: Error) => this.lose(thread, error));
    worker.on('exit', (code) => this.lose(thread, new Error(`a hashing thread ended with ${code}`)));
    this.threads.push(thread);
    return thread;
  }

  /** Those who were at it are told; others begin on another. */
  private lose(thread: Thread, reason: Error): void {
    if (thread.ended) return;
    thread.ended = reason;
    this.threads.splice(this.threads.indexOf(thread), 1);
    for (const { reject } of thread.answers.splice(0)) reject(reason);
  }
}

function ask(thread: Thread, message: ToHashThread): Promise<FromHashThread> {
  return new Promise((resolve, reject) => {
    if (thread.ended) return reject(thread.ended);
    // The process must not end while an answer is due.
    if (thread.answers.length === 0) thread.worker.ref();
    thread.answers.push({ resolve, reject });
    thread.worker.postMessage(message);
  });
}

/** One for the process: all stores share its memory and its cores. */
export const hashThreads = new HashThreads();
