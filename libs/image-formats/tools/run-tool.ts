import { spawn, type ChildProcess } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { bestConfinement, type Confinement, type Surroundings } from './confinement.js';
import { findProgram, TOOL_PATH } from './programs.js';
import { toolFailure, toolMissing, wallClockExceeded, type ToolEnd } from './tool-failure.js';

/** A foreign program at work on content that nobody trusts. */
export interface ToolRun extends Surroundings {
  /** A name, looked for where the system keeps its programs, or an absolute path. */
  command: string;
  args: readonly string[];
  /** Absolute paths of files or folders that it may read, besides /usr and the like. They keep their paths. */
  reads: readonly string[];
  /** The one folder that it may write to; it is its working directory and its HOME too. */
  folder: string;
  limits: ToolLimits;
  signal: AbortSignal;
  /** What it is given on its standard input; nothing where absent. */
  input?: NodeJS.ReadableStream;
  /** Exit codes besides 0 by which it says no more than something of note. */
  harmlessCodes?: readonly number[];
  /** Called with what it prints on standard output or standard error, as it comes. */
  onOutput?(text: string): void;
}

/** Memory, processor time and size of a file are each process's own, where a tool starts others. */
export interface ToolLimits {
  memoryBytes: number;
  cpuSeconds: number;
  /** No file of it may become larger. */
  fileBytes: number;
  wallSeconds: number;
}

/** Of its answer, and of what it says besides, so much is kept: the end. */
const KEPT_CHARACTERS = 1 << 20;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Between the signal that says which limit it was and the one that cannot be ignored. */
const GRACE_SECONDS = 5;

/** A limit that is lower already stays. The soft one comes first: the hard one cannot be set below it. */
const LIMITED = `limit() { (ulimit "$@") 2>/dev/null && ulimit "$@"; }
limit -c 0; limit -v "$1"; limit -St "$2"; limit -Ht "$3"; limit -f "$4"; shift 4; exec nice -n 10 "$@"`;
/** Descriptor 3 closes when we end, however we do; then everything in the group goes. A sandbox sees to that by itself. */
const WATCHED = '(read -r _; kill -KILL 0) <&3 >/dev/null 2>&1 & exec 3<&-\n';

/**
 * Runs it to its end, under limits, confined as well as this machine can: what it printed on standard output. Nothing that it started outlives it.
 * Raises the signal's reason; CONTENT_REFUSED where it failed or reached a limit, with the end of what it said; STORAGE_FULL; TOOLS_MISSING.
 */
export async function runTool(run: ToolRun, confinement?: Confinement): Promise<string> {
  const { command, limits, signal } = run;
  signal.throwIfAborted();
  const program = await findProgram(command);
  if (program === null) throw toolMissing(command);
  const running = new RunningTool(run, program, confinement ?? (await bestConfinement()));
  const stop = () => running.stop(signal.reason);
  const wallClock = setTimeout(
    () => running.stop(wallClockExceeded(command, limits)),
    Math.min(limits.wallSeconds * 1000, LONGEST_TIMER_MS),
  );
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const end = await running.ended;
    const failure = toolFailure(run, end, running.said);
    if (failure) throw failure;
    return running.answered;
  } finally {
    clearTimeout(wallClock);
    signal.removeEventListener('abort', stop);
  }
}

class RunningTool {
  /** Of standard output and of both; as far as they are kept. */
  answered = '';
  said = '';
  /** Resolves once nothing of it is left; raises why it was stopped. */
  readonly ended: Promise<ToolEnd>;
  private readonly child: ChildProcess;
  private stopped: { reason: unknown } | undefined;

  constructor(
    private readonly run: ToolRun,
    program: string,
    confinement: Confinement,
  ) {
    const { limits } = run;
    const numbers = [
      ...[Math.ceil(limits.memoryBytes / 1024), limits.cpuSeconds, limits.cpuSeconds + GRACE_SECONDS],
      Math.ceil(limits.fileBytes / 512),
    ];
    const isWatched = confinement.name === 'bare';
    const script = (isWatched ? WATCHED : '') + LIMITED;
    this.child = spawn(
      '/bin/sh',
      ['-c', script, 'sh', ...numbers.map(String), ...confinement.prefix(run), program, ...run.args],
      {
        cwd: run.folder,
        env: { PATH: TOOL_PATH.join(':'), LANG: 'C', HOME: run.folder },
        stdio: [run.input ? 'pipe' : 'ignore', 'pipe', 'pipe', isWatched ? 'pipe' : 'ignore'],
        detached: true, // a process group of its own, so that all of it can be ended
      },
    );
    this.listen();
    this.ended = this.end();
  }

  /** Ends it at once, with all that it has started. */
  stop(reason: unknown): void {
    this.stopped ??= { reason };
    this.killGroup();
  }

  private listen(): void {
    const { stdout, stderr } = this.child;
    for (const stream of [stdout, stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said = (this.said + text).slice(-KEPT_CHARACTERS);
        if (stream === stdout) this.answered = (this.answered + text).slice(-KEPT_CHARACTERS);
        this.run.onOutput?.(text);
      });
    }
    if (this.run.input && this.child.stdin) {
      pipeline(this.run.input, this.child.stdin).catch((error: NodeJS.ErrnoException) => {
        // A tool that wants no more of it says by its end how it fared; a source that fails is why the tool must stop.
        if (error.code !== 'EPIPE' && this.isAlive()) this.stop(error);
      });
    }
  }

  private async end(): Promise<ToolEnd> {
    const end = await new Promise<ToolEnd>((resolve, reject) => {
      this.child
        .once('error', reject)
        .once('exit', () => this.child.stdio[3]?.destroy()) // what it left behind in its group ends too
        .once('close', (code, signal) => resolve({ code, signal }));
    });
    if (this.stopped) throw this.stopped.reason;
    return end;
  }

  private killGroup(): void {
    if (this.child.pid === undefined || !this.isAlive()) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // it has ended in this moment
    }
  }

  private isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}
