import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Says to people where a worker runs; the same name is never given twice. */
export const newWorkerName = (): string => `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
