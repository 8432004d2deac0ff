import { invalid, quote } from '../refusal.js';

export interface Dockerfile {
  /** The image of the first `FROM`, as written. */
  baseImage: string;
}

/** An instruction with its continued lines joined, comments and empty lines left out. */
interface Instruction {
  text: string;
  /** Index of its last line that is not continued; null: the file ends where one more line had to come. */
  end: number | null;
  /** Index of its last line with content. */
  last: number;
}

const DIRECTIVE = /^\s*#\s*([a-z][a-z0-9]*)\s*=\s*(.+?)\s*$/i;
const WORDS = /(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g;
const HEREDOC = /^\d*<<(-?)(["']?)([^<"'\s]+)\2$/;

/** A Dockerfile begins with a FROM; only comments, parser directives and ARG may stand before it. Throws CONTENT_INVALID. */
export function parseDockerfile(text: string): Dockerfile {
  for (const instruction of instructions(text.split('\n'))) {
    const [keyword = '', ...words] = instruction.text.split(/\s+/);
    if (keyword.toUpperCase() === 'ARG') continue;
    if (keyword.toUpperCase() !== 'FROM') throw invalid(`the Dockerfile begins with ${quote(keyword)} instead of FROM`);
    const baseImage = words.find((word) => !word.startsWith('--'));
    if (!baseImage) throw invalid('the first FROM of the Dockerfile names no image');
    return { baseImage };
  }
  throw invalid('the Dockerfile has no FROM');
}

/** The Dockerfile with a label given right after every FROM, so that whatever a build of it makes carries the label. All else stays as it is. */
export function labelledDockerfile(text: string, label: string, value: string): string {
  const lines = text.split('\n');
  const instruction = `LABEL ${label}=${JSON.stringify(value)}`;
  const after = new Set<number>();
  for (const { text: from, end, last } of instructions(lines)) {
    if (!/^from\s/i.test(from)) continue;
    if (end === null) lines[last] = lines[last]!.trimEnd().slice(0, -1);
    after.add(end ?? last);
  }
  return lines
    .flatMap((line, index) => {
      if (!after.has(index)) return [line];
      return [line, line.endsWith('\r') ? `${instruction}\r` : instruction];
    })
    .join('\n');
}

function* instructions(lines: readonly string[]): Generator<Instruction> {
  const escape = escapeOf(lines);
  let joined = '';
  let last = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    last = at;
    // Of a doubled escape at the end, newer engines say that it continues nothing.
    if (line.endsWith(escape) && !line.endsWith(escape + escape)) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const text = (joined + line).trim();
    yield { text, end: at, last };
    joined = '';
    at = endOfHeredocs(text, lines, at);
  }
  if (joined.trim() !== '') yield { text: joined.trim(), end: null, last };
}

/** Directives stand before everything else, other comments too. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name, value] = DIRECTIVE.exec(line) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() === 'escape') return value === '`' ? '`' : '\\';
  }
  return '\\';
}

/** The line on which the last heredoc of an instruction ends. One that never ends is none: engines before 23 know no heredocs. */
function endOfHeredocs(instruction: string, lines: readonly string[], from: number): number {
  if (!/^(?:onbuild\s+)?(?:run|copy|add)\s/i.test(instruction)) return from;
  let at = from;
  for (const word of instruction.match(WORDS) ?? []) {
    const [, chomp, , delimiter] = HEREDOC.exec(word) ?? [];
    if (delimiter === undefined) continue;
    const ends = (line: string) => (chomp ? line.replace(/^\t+/, '') : line).replace(/\r$/, '') === delimiter;
    const end = lines.findIndex((line, index) => index > at && ends(line));
    if (end === -1) return at;
    at = end;
  }
  return at;
}
