import { constants } from 'node:os';

const TERM = 15;
/** As glibc has it, which keeps two for itself. */
const RTMIN = 34;
const RTMAX = 64;

/** The number of a signal, named as images name it: `SIGQUIT`, `quit`, `3`, `SIGRTMIN+3`. The shell in the guest knows no others by name. */
export function signalNumber(signal: string): number {
  const name = signal.toUpperCase().replace(/^SIG/, '');
  const realTime = /^(?:RTMIN(\+\d{1,2})?|RTMAX(-\d{1,2})?)$/.exec(name);
  const known: Record<string, number | undefined> = constants.signals;
  if (realTime) return within(RTMIN, (name.startsWith('RTMIN') ? RTMIN : RTMAX) + Number(realTime[1] ?? realTime[2] ?? 0));
  if (/^\d{1,2}$/.test(signal)) return within(1, Number(signal));
  return known[`SIG${name}`] ?? TERM;
}

const within = (least: number, number: number): number => (number >= least && number <= RTMAX ? number : TERM);
