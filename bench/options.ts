import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export const PARTS = ['transfers', 'requests', 'jobs', 'clouds', 'satellite', 'container-disk'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  parts: readonly Part[];
  /** Bytes of the one large file; eight at once have a quarter of it each. */
  size: number;
  /** How often each figure is taken. */
  repetitions: number;
  /** In which all that is written lies: it should be on a disk that counts. */
  folder: string;
}

const MIB = 1 << 20;

/** Raises what is wrong with the arguments. */
export function optionsOf(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      mib: { type: 'string', default: '1024' },
      repetitions: { type: 'string', default: '3' },
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const unknown = positionals.find((part) => !(PARTS as readonly string[]).includes(part));
  if (unknown !== undefined) throw new Error(`there is no part '${unknown}': ${PARTS.join(', ')}`);
  return {
    parts: positionals.length > 0 ? (positionals as Part[]) : PARTS,
    size: wholeNumber('mib', values.mib) * MIB,
    repetitions: wholeNumber('repetitions', values.repetitions),
    folder: values.folder,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, and is '${text}'`);
}
