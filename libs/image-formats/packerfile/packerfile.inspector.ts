import { type FormatInspector } from '../inspection.js';
import { asObject, isObject, parseJson } from '../json.js';
import { invalid } from '../refusal.js';
import { isText, readText } from '../text.js';
import { topLevelBlocks } from './hcl.blocks.js';

export type PackerTemplate = {
  syntax: 'json' | 'hcl';
  /** The kinds of builders that the template uses: `qemu`, `docker`, … */
  builders: string[];
};

/** Throws CONTENT_INVALID or CONTENT_TRUNCATED. */
export function parsePackerTemplate(text: string): PackerTemplate {
  return text.trimStart().startsWith('{') ? parseJsonTemplate(text) : parseHclTemplate(text);
}

/** The classic form lists `builders`; the JSON form of HCL has `source` and `build`. */
function parseJsonTemplate(text: string): PackerTemplate {
  const what = 'the Packer template';
  const { builders, source, build } = asObject(parseJson(Buffer.from(text), what), what, ['builders', 'source', 'build']);
  if (Array.isArray(builders) && builders.length > 0) {
    const types = builders.map((builder) => (isObject(builder) && typeof builder.type === 'string' ? builder.type : undefined));
    if (types.includes(undefined)) throw invalid('a builder in the Packer template has no type');
    return { syntax: 'json', builders: distinct(types as string[]) };
  }
  if (isObject(source)) return { syntax: 'json', builders: Object.keys(source) };
  if (build === undefined) throw invalid('the Packer template has no builders');
  return { syntax: 'json', builders: [] };
}

function parseHclTemplate(text: string): PackerTemplate {
  const blocks = topLevelBlocks(text);
  if (!blocks.some(({ type, labels }) => (type === 'source' && labels.length === 2) || type === 'build')) {
    throw invalid('the Packer template has neither a source nor a build block');
  }
  return {
    syntax: 'hcl',
    builders: distinct(blocks.filter(({ type }) => type === 'source').map(({ labels }) => labels[0] ?? '')),
  };
}

const distinct = (names: string[]): string[] => [...new Set(names)];

/** Facts: those of `PackerTemplate`. */
export const packerfile: FormatInspector = {
  label: 'a Packer template',
  canBe: isText,
  inspect: async (bytes, limits) => parsePackerTemplate(await readText(bytes, 'the Packer template', limits.maxTextBytes)),
};
