import { constants } from 'node:os';
import { basename } from 'node:path';
import { ViceError } from '#libs/errors';
import { type ToolLimits, type ToolRun } from './run-tool.js';

/** How a tool ended. A sandbox and a shell tell of a signal as 128 + its number. */
export interface ToolEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const GiB = 2 ** 30;
const OUT_OF_SPACE = /no space left on device|disk quota exceeded/i;
const OUT_OF_MEMORY = /cannot allocate memory|failed to allocate|out of memory|memory exhausted|could not allocate/i;
const FILE_TOO_LARGE = /file too large|file size limit exceeded/i;
/** Where a program gives up because it gets no more memory. */
const DEATHS_OF_MEMORY: readonly (string | null)[] = ['SIGABRT', 'SIGTRAP'];

/** What went wrong, in words for the user whose content it was. `said`: the end of what the tool printed. null: it succeeded. */
export function toolFailure(run: ToolRun, end: ToolEnd, said: string): ViceError | null {
  const { command, limits, harmlessCodes = [] } = run;
  if (end.code !== null && [0, ...harmlessCodes].includes(end.code)) return null;
  const signal = end.signal ?? signalOf(end.code);
  const refused = (limit: string) => new ViceError('CONTENT_REFUSED', `${command} was stopped at this content: ${limit}`);
  if (OUT_OF_SPACE.test(said))
    return new ViceError(
      'STORAGE_FULL',
      `${command} filled the disk that it worked on; make room, or wait until others are done`,
    );
  if (signal === 'SIGXCPU') return refused(`it took more than ${limits.cpuSeconds} s of a processor`);
  if (signal === 'SIGXFSZ' || FILE_TOO_LARGE.test(said)) return refused(`it wrote a file of more than ${size(limits.fileBytes)}`);
  if (OUT_OF_MEMORY.test(said) || DEATHS_OF_MEMORY.includes(signal))
    return refused(`it needed more than ${size(limits.memoryBytes)} of memory`);
  if (signal === 'SIGKILL' || signal === 'SIGTERM')
    return new ViceError(
      'UNAVAILABLE',
      `${command} was ended from outside (${signal}); perhaps the machine ran out of memory, or it did not heed its limit of ${limits.cpuSeconds} s of a processor`,
    );
  return new ViceError(
    'CONTENT_REFUSED',
    `${command} cannot work with this content: ${lastWords(withoutPaths(said, run)) || `it ended with ${signal ?? end.code}`}`,
  );
}

export function wallClockExceeded(command: string, limits: ToolLimits): ViceError {
  return new ViceError(
    'CONTENT_REFUSED',
    `${command} was stopped at this content: it did not end within ${limits.wallSeconds} s`,
  );
}

export function toolMissing(command: string): ViceError {
  return new ViceError(
    'TOOLS_MISSING',
    `${command} is not installed where the store worker runs: scripts/install-tools.sh installs it`,
  );
}

function signalOf(code: number | null): string | null {
  if (code === null || code <= 128) return null;
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0] ?? null;
}

/** Where things lie on this machine is nobody's business. */
function withoutPaths(said: string, { reads, folder }: ToolRun): string {
  return reads.reduce((text, path) => text.replaceAll(path, basename(path)), said.replaceAll(`${folder}/`, ''));
}

/** The last line or two, with what is no text left out. */
function lastWords(said: string): string {
  const lines = said.split(/[\r\n]+/).map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  return lines.filter(Boolean).slice(-2).join('; ').slice(-500);
}

function size(bytes: number): string {
  return bytes >= GiB ? `${Math.round((bytes / GiB) * 10) / 10} GiB` : `${bytes} bytes`;
}
