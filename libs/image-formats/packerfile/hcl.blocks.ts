import { invalid, truncated } from '../refusal.js';

export interface HclBlock {
  type: string;
  labels: string[];
}

const CLOSING: Record<string, string> = { '{': '}', '[': ']', '(': ')' };

/** The blocks at the top level of an HCL text. Throws CONTENT_TRUNCATED where something is not closed, CONTENT_INVALID where it is closed wrongly. */
export function topLevelBlocks(text: string): HclBlock[] {
  const blocks: HclBlock[] = [];
  const open: string[] = [];
  let statement = '';
  for (let at = 0; at < text.length;) {
    const end = skipInsignificant(text, at);
    if (end > at) {
      const skipped = text.slice(at, end);
      if (open.length === 0) statement += skipped.startsWith('"') ? skipped : ' ';
      at = end;
      continue;
    }
    const char = text[at]!;
    at++;
    if (char in CLOSING) {
      if (char === '{' && open.length === 0) addBlock(blocks, statement);
      open.push(CLOSING[char]!);
    } else if ('}])'.includes(char)) {
      if (open.pop() !== char) throw invalid(`the Packer template is damaged: "${char}" closes nothing`);
      statement = '';
    } else if (open.length === 0) {
      statement = char === '\n' ? '' : statement + char;
    }
  }
  if (open.length > 0) throw truncated(`the Packer template ends before "${open.at(-1)}"`);
  return blocks;
}

function addBlock(blocks: HclBlock[], statement: string): void {
  const words = statement.match(/"[^"]*"|[\w-]+/g) ?? [];
  if (words[0] && /^[a-z_]+$/.test(words[0]))
    blocks.push({ type: words[0], labels: words.slice(1).map((word) => word.replace(/"/g, '')) });
}

/** The end of the comment, string or heredoc that begins here; `at` itself where none does. */
function skipInsignificant(text: string, at: number): number {
  if (text[at] === '"') return endOfString(text, at);
  if (text[at] === '#' || text.startsWith('//', at)) return endOfLine(text, at);
  if (text.startsWith('/*', at)) {
    const end = text.indexOf('*/', at + 2);
    if (end === -1) throw truncated('the Packer template ends within a comment');
    return end + 2;
  }
  if (text.startsWith('<<', at)) return endOfHeredoc(text, at);
  return at;
}

/** A string may hold `${…}` and `%{…}`, which may hold strings. */
function endOfString(text: string, start: number): number {
  const open: ('"' | '{')[] = ['"'];
  let at = start + 1;
  for (; at < text.length && open.length > 0; at++) {
    const char = text[at];
    if (open.at(-1) === '"') {
      if (char === '\\') at++;
      else if (char === '"') open.pop();
      else if ((char === '$' || char === '%') && text[at + 1] === '{' && text[at - 1] !== char) {
        open.push('{');
        at++;
      }
    } else if (char === '"') open.push('"');
    else if (char === '{') open.push('{');
    else if (char === '}') open.pop();
  }
  if (open.length > 0) throw truncated('the Packer template ends within a string');
  return at;
}

function endOfHeredoc(text: string, at: number): number {
  const opening = /^<<-?([A-Za-z_]\w*)\r?\n/.exec(text.slice(at, at + 200));
  if (!opening) return at;
  for (let line = at + opening[0].length; line < text.length;) {
    const end = endOfLine(text, line);
    if (text.slice(line, end).trim() === opening[1]) return end;
    line = end + 1;
  }
  throw truncated('the Packer template ends within a heredoc');
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
