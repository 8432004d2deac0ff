import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { ViceError } from '#libs/errors';

/** A foreign program at work on content that nobody trusts. */
export interface ToolRun {
  command: string;
  args: readonly string[];
  /** Absolute paths of files or folders that it may read, besides /usr and the like. They keep their paths. */
  reads: readonly string[];
  /** The one folder that it may write to; it is its working directory too. */
  folder: string;
  limits: ToolLimits;
  signal: AbortSignal;
  /** What it is given on its standard input; nothing where absent. */
  input?: NodeJS.ReadableStream;
  /** Called with what it prints on standard output or standard error, as it comes. */
  onOutput?(text: string): void;
}

export interface ToolLimits {
  memoryBytes: number;
  cpuSeconds: number;
  /** No file of it may become larger. */
  fileBytes: number;
  wallSeconds: number;
}

/** Runs it to its end: what it printed. Raises CONTENT_REFUSED where it failed, with the end of what it said, and the signal's reason. */
export async function runTool(run: ToolRun): Promise<string> {
  const { signal } = run;
  signal.throwIfAborted();
  const child = spawn(run.command, run.args, { cwd: run.folder, stdio: ['pipe', 'pipe', 'pipe'], signal });
  let said = '';
  const hear = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-65_536);
    run.onOutput?.(chunk.toString());
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  if (run.input) run.input.pipe(child.stdin);
  else child.stdin.end();
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  signal.throwIfAborted();
  if (code !== 0) throw new ViceError('CONTENT_REFUSED', `${run.command} in ${dirname(run.folder)} failed: ${said.slice(-500)}`);
  return said;
}
