import { type Transform } from 'node:stream';
import { type Ask } from '#libs/contracts';

/** What a job's handler knows of its own run, and tells of it. */
export interface RunningJob {
  readonly id: string;
  /** From 1. It fences: what an earlier attempt still says is refused. */
  readonly attempt: number;
  /** `<id>.<attempt>`: the name under which this attempt stages bytes. */
  readonly writer: string;
  /** Aborted with a ViceError when the job has to stop: JOB_CANCELLED, JOB_FENCED, LEASE_LOST, or UNAVAILABLE where the worker shuts down. */
  readonly signal: AbortSignal;
  /**
   * Raises the reason when the job has to stop. To be asked right before what must not happen later: the signal comes late in a process that
   * was suspended, the lease is over in time.
   */
  throwIfStopped(): void;
  /** Bytes to move in all; null while that is unknown. */
  setTotal(bytes: number | null): void;
  /** A stream that counts what passes through it as moved, and breaks when the lease has ended. */
  meter(): Transform;
  /** Counts bytes as moved that passed through no meter. */
  advance(bytes: number): void;
  /** Counts bytes as done that a former attempt had moved already. */
  carriedOver(bytes: number): void;
  /** Adds to the job's log; its last 64 KiB are kept. */
  log(text: string): void;
  /**
   * Asks another service, only while the lease lasts: raises LEASE_LOST or JOB_FENCED after that. While the service is UNAVAILABLE it
   * asks again, as long as the lease lasts: what a job asks must bear being asked twice.
   */
  readonly ask: Ask;
  /** This attempt may have left a temporary in the environment that it could not dispose of. */
  leftTemporaries(): void;
}
