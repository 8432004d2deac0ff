/** What an expression of PromQL asks for: each metric with the labels that it must have for the expression to mean something. */
export interface Use {
  metric: string;
  /** Labels in its braces, and in every `by` and `on` that is about it. */
  labels: ReadonlySet<string>;
}

interface Token {
  text: string;
  kind: 'name' | 'string' | 'number' | 'sign';
}

interface Selector {
  at: number;
  metric: string;
  labels: Set<string>;
}

/** A list of labels, and the tokens that it is about. */
interface Grouping {
  labels: string[];
  from: number;
  to: number;
}

const TOKEN =
  /\s+|#.*|(?<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?<number>(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:[a-z]+\d*)*))|(?<name>[A-Za-z_:][\w:]*)|(?<sign>=~|!~|!=|==|>=|<=|.)/gu;
const WORDS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'atan2', 'inf', 'nan', 'start', 'end']);
const SET_OPERATORS = new Set(['and', 'or', 'unless']);
const OVER_OPERANDS = new Set(['by', 'without']);
const OVER_ALL = new Set(['on', 'ignoring', 'group_left', 'group_right']);

/** That an expression is PromQL at all is for promtool to say; this finds only the names in one that is. */
export function usesOf(expression: string): Use[] {
  const tokens = tokensOf(expression);
  const { selectors, groupings } = read(tokens);
  for (const { labels, from, to } of groupings) {
    for (const selector of selectors) {
      if (selector.at > from && selector.at < to) labels.forEach((label) => selector.labels.add(label));
    }
  }
  return selectors.map(({ metric, labels }) => ({ metric, labels }));
}

/** The labels that the answer has: those of the outermost `by`, or null where there is none and all labels come through. */
export function labelsOfAnswer(expression: string): ReadonlySet<string> | null {
  const { groupings } = read(tokensOf(expression));
  return groupings.length === 0 ? null : new Set(groupings.flatMap(({ labels }) => labels));
}

function tokensOf(expression: string): Token[] {
  return [...expression.matchAll(TOKEN)].flatMap(({ groups = {} }) => {
    const [kind, text] = Object.entries(groups).find(([, found]) => found !== undefined) ?? [];
    return text === undefined ? [] : [{ kind: kind as Token['kind'], text }];
  });
}

function read(tokens: readonly Token[]): { selectors: Selector[]; groupings: Grouping[] } {
  const selectors: Selector[] = [];
  const groupings: Grouping[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    const next = tokens[at + 1]?.text;
    if (kind === 'sign' && text === '[') at = closing(tokens, at);
    else if (kind !== 'name' || WORDS.has(text.toLowerCase())) continue;
    else if (OVER_OPERANDS.has(text) || OVER_ALL.has(text)) {
      const end = closing(tokens, at + 1);
      const labels = tokens.slice(at + 2, end).flatMap((token) => (token.kind === 'name' ? [token.text] : []));
      const about = OVER_ALL.has(text) ? sides(tokens, at, end) : operands(tokens, at, end);
      groupings.push({ labels, ...about });
      at = end;
    } else if (next === '{') {
      const end = closing(tokens, at + 1);
      selectors.push({ at, metric: text, labels: new Set(matched(tokens.slice(at + 2, end))) });
      at = end;
    } else if (next !== '(' && next !== 'by' && next !== 'without') selectors.push({ at, metric: text, labels: new Set() });
  }
  return { selectors, groupings };
}

/** `sum by (kind) (…)`, or `sum(…) by (kind)`. */
function operands(tokens: readonly Token[], at: number, end: number): { from: number; to: number } {
  if (tokens[end + 1]?.text === '(') return { from: end + 1, to: closing(tokens, end + 1) };
  let depth = 0;
  for (let from = at - 1; from >= 0; from--) {
    if (tokens[from]?.text === ')') depth++;
    if (tokens[from]?.text === '(' && --depth === 0) return { from, to: at };
  }
  throw new Error(`what is grouped ${tokens[at]?.text} …?`);
}

/** The two operands that `on (…)` relates: they reach to the next `and`, `or` or `unless` beside it. */
function sides(tokens: readonly Token[], at: number, end: number): { from: number; to: number } {
  const reach = (from: number, step: 1 | -1): number => {
    let depth = 0;
    let here = from;
    for (; here >= 0 && here < tokens.length; here += step) {
      const text = tokens[here]?.text ?? '';
      if (text === '(') depth += step;
      if (text === ')') depth -= step;
      if (depth < 0 || (depth === 0 && SET_OPERATORS.has(text))) break;
    }
    return here;
  };
  return { from: reach(at - 2, -1), to: reach(end + 1, 1) };
}

function matched(tokens: readonly Token[]): string[] {
  return tokens.flatMap(({ kind, text }, at) =>
    kind === 'name' && /^(=|=~|!=|!~)$/.test(tokens[at + 1]?.text ?? '') ? [text] : [],
  );
}

const CLOSES: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' };

function closing(tokens: readonly Token[], opening: number): number {
  const open = tokens[opening]?.text ?? '';
  let depth = 0;
  for (let at = opening; at < tokens.length; at++) {
    if (tokens[at]?.text === open) depth++;
    if (tokens[at]?.text === CLOSES[open] && --depth === 0) return at;
  }
  throw new Error(`a ${open} is not closed`);
}
