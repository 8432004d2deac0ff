import { runTool } from '../../tools/run-tool.js';
import { KERNEL_FOLDER } from './needs.js';

const GiB = 2 ** 30;

/** The disk while it is made, in the folder. */
export const DISK = 'disk.raw';
/** The files of the root, in a folder that nobody else may enter: among them are such as carry a setuid bit. */
export const UNPACKED = 'unpacked/root';

/** The folder in which a disk is made, and the programs that make it there. */
export interface Workbench {
  folder: string;
  signal: AbortSignal;
  /** Calls that changed the disk, for the record; paths in the folder stand there without it. */
  calls: string[];
  /** Runs a program of ours at the disk, with nothing but the folder to write to; returns what it printed. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<string>;
}

interface RunOptions {
  input?: NodeJS.ReadableStream;
  onOutput?(text: string): void;
}

/** @param diskBytes the size of the disk: no file that a program writes may become larger */
export function workbench(folder: string, signal: AbortSignal, diskBytes: number): Workbench {
  const calls: string[] = [];
  const limits = { memoryBytes: 2 * GiB, cpuSeconds: 3600, fileBytes: diskBytes, wallSeconds: 4 * 3600 };
  return {
    folder,
    signal,
    calls,
    run(command, args, options = {}) {
      calls.push([command, ...args].join(' '));
      return runTool({ command, args, reads: [KERNEL_FOLDER], folder, limits, signal, ...options });
    },
  };
}
