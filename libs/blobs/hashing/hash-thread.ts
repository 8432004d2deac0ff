/** An algorithm by OpenSSL's name. */
export type Algorithm = 'sha256' | 'sha512' | 'md5';

/** To the thread; it answers each `update` with null and each `digest` with the checksums in the order of the algorithms, in the order asked. */
export type ToHashThread =
  | { kind: 'begin'; id: number; algorithms: Algorithm[] }
  | { kind: 'update'; id: number; start: number; length: number }
  | { kind: 'digest'; id: number }
  | { kind: 'drop'; id: number };

export type FromHashThread = string[] | null;

/**
 * What a hashing thread runs. It is handed over as text, because built code and tests lie at different paths under different suffixes:
 * it must use nothing but its parameters.
 */
export function hashThread(
  { parentPort, workerData }: typeof import('node:worker_threads'),
  { createHash }: typeof import('node:crypto'),
): void {
  const memory = new Uint8Array(workerData as SharedArrayBuffer);
  const running = new Map<number, import('node:crypto').Hash[]>();
  parentPort?.on('message', (message: ToHashThread) => {
    if (message.kind === 'begin') {
      running.set(
        message.id,
        message.algorithms.map((algorithm) => createHash(algorithm)),
      );
      return;
    }
    const hashes = running.get(message.id) ?? [];
    if (message.kind === 'update') {
      const bytes = memory.subarray(message.start, message.start + message.length);
      for (const hash of hashes) hash.update(bytes);
      parentPort.postMessage(null satisfies FromHashThread);
      return;
    }
    running.delete(message.id);
    if (message.kind === 'digest') parentPort.postMessage(hashes.map((hash) => hash.digest('hex')) satisfies FromHashThread);
  });
}
