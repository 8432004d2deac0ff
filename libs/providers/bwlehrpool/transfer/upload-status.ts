import { type Satellite } from '../satellite.js';
import { Satellite as Calls } from '../calls/methods.js';
import { RemoteException } from '../thrift/message.js';
import { blockCount } from './blocks.js';

/** What a byte of `blockStatus` says. */
const BLOCK = { complete: 0, missing: 1, uploading: 2, queuedForCopying: 3, copying: 4, hashing: 5 };
const STATES = ['idle', 'working', 'finished', 'error'] as const;

/** How far an upload is, in the satellite's own words. */
export interface UploadStatus {
  /** `unknown`: the satellite has forgotten the upload, as it does when it restarts. Only `finished` is done. */
  state: (typeof STATES)[number] | 'unknown';
  /** Of each block, whether the satellite has it and has checked it. */
  complete: readonly boolean[];
  /** Whether it waits for a line to ask for something, or to notice that it has everything. */
  wantsLine: boolean;
  /** To tell whether anything has changed. */
  fingerprint: string;
}

export async function uploadStatus(satellite: Satellite, token: string, size: number): Promise<UploadStatus> {
  try {
    const { blockStatus = Buffer.alloc(0), state = 0 } = await satellite.call(
      Calls.queryUploadStatus,
      { uploadToken: token },
      'ask how far the upload is',
    );
    return statusOf(blockStatus, state, size);
  } catch (error) {
    if (!isForgotten(error)) throw error;
    return { state: 'unknown', complete: [], wantsLine: false, fingerprint: 'unknown' };
  }
}

export function statusOf(blockStatus: Buffer, state: number, size: number): UploadStatus {
  const known = STATES[state] ?? 'idle';
  const blocks = [...blockStatus.subarray(0, blockCount(size))];
  const some = (...statuses: number[]) => blocks.some((block) => statuses.includes(block));
  const asks = some(BLOCK.missing, BLOCK.queuedForCopying);
  // It may copy and hash before the first line. What is uploading then is what a line that is gone has left.
  const isBusy = some(BLOCK.copying, BLOCK.hashing) || (known === 'working' && some(BLOCK.uploading));
  return {
    state: known,
    complete: blocks.map((block) => block === BLOCK.complete),
    wantsLine: (known === 'idle' || known === 'working') && (asks || !isBusy),
    fingerprint: `${known} ${blockStatus.toString('latin1')}`,
  };
}

/** Whether an error says that the satellite does not know the token of an upload. */
export function isForgotten(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof RemoteException && cause.kind === 'invalid-token';
}
