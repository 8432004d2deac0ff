import { type Toolset } from '../conversions.js';
import { callTo, type Empty } from './call.js';

/** What a store worker can convert with. */
export interface WorkerToolsets {
  /** The name that it claims jobs under. */
  worker: string;
  /** Those that are complete. */
  toolsets: Toolset[];
  /** What lacks for the others, in words: names of programs and files. */
  missing: string[];
}

export const ToolCalls = {
  /** Said at start and every TOOLSETS_SECONDS; a worker not heard of for TOOLSETS_STAND_SECONDS does not count. */
  toolsetsOf: callTo<WorkerToolsets, Empty>('registry', 'tools.toolsets'),
  /** Said by a worker that ends. */
  withdrawToolsets: callTo<{ worker: string }, Empty>('registry', 'tools.withdraw'),
};

export const TOOLSETS_SECONDS = 30;
export const TOOLSETS_STAND_SECONDS = 90;
