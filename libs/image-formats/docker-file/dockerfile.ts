import { invalid, quote } from '../refusal.js';

export interface Dockerfile {
  /** The image of the first `FROM`, as written. */
  baseImage: string;
}

/** A Dockerfile begins with a FROM; only comments, parser directives and ARG may stand before it. Throws CONTENT_INVALID. */
export function parseDockerfile(text: string): Dockerfile {
  for (const instruction of instructions(text)) {
    const [keyword = '', ...words] = instruction.split(/\s+/);
    if (keyword.toUpperCase() === 'ARG') continue;
    if (keyword.toUpperCase() !== 'FROM') throw invalid(`the Dockerfile begins with ${quote(keyword)} instead of FROM`);
    const baseImage = words.find((word) => !word.startsWith('--'));
    if (!baseImage) throw invalid('the first FROM of the Dockerfile names no image');
    return { baseImage };
  }
  throw invalid('the Dockerfile has no FROM');
}

/** Logical lines: continued ones joined, comments and empty ones left out. */
function* instructions(text: string): Generator<string> {
  const escape = /^\s*#\s*escape\s*=\s*`/im.test(text.slice(0, 1000)) ? '`' : '\\';
  let joined = '';
  for (const line of text.split(/\r?\n/).map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.endsWith(escape)) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    yield (joined + line).trim();
    joined = '';
  }
  if (joined.trim() !== '') yield joined.trim();
}
