import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { ViceError } from '#libs/errors';
import { XML_MODELS, type XmlModelName } from './xml-models.js';
import { malformed, refuseMalformedXml } from './xml.lexer.js';

const TEXT = '#text';
const CDATA = '#cdata';
const ATTRIBUTES = ':@';

/** What the parser makes of an element: `{ title: [...], ':@': attributes }`, text as `{ '#text': '…' }`. */
type Node = Record<string, unknown>;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: CDATA,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/**
 * The fields of one model from an XML document, in the shape that JSON would have: lists as arrays, everything else as text or, for a nested
 * model, as an object. Numbers stay text. An element that is there twice becomes a list, and so a fault that the validation names.
 * `xsi:nil="true"` is null. Raises INVALID_INPUT for what is malformed or has another root element.
 */
export function readXml(model: XmlModelName, xml: string): object {
  refuseMalformedXml(xml);
  const valid = XMLValidator.validate(xml);
  if (valid !== true) throw malformed(`${valid.err.msg} (line ${valid.err.line}, column ${valid.err.col})`);
  const root = parsed(xml).find((node) => nameOf(node) !== TEXT);
  const name = root && nameOf(root);
  if (!root || name !== model) {
    throw new ViceError('INVALID_INPUT', `the root element must be <${model}>, and is <${name ?? ''}>`);
  }
  return modelOf(model, childrenOf(root));
}

function parsed(xml: string): Node[] {
  try {
    return parser.parse(xml) as Node[];
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : 'it cannot be parsed');
  }
}

function modelOf(model: XmlModelName, children: readonly Node[]): object {
  const { lists = {}, models = {}, json = [] } = XML_MODELS[model];
  const fields = new Map<string, unknown>();
  for (const child of children) {
    const name = nameOf(child);
    if (name === TEXT || name === CDATA) continue;
    const nested = own(models, name);
    const entry = own(lists, name);
    let value: unknown;
    if (isNil(child)) value = null;
    else if (nested && !isTextOnly(child)) value = modelOf(nested, childrenOf(child));
    else if (entry) value = entriesOf(child, entry);
    else value = textOf(child, json.includes(name) ? [] : {});
    fields.set(name, fields.has(name) ? [fields.get(name), value] : value);
  }
  return Object.fromEntries(fields);
}

/** `<tags><tag>a</tag><tag>b</tag></tags>`; anything else between them is handed on as it is, for the validation to refuse. */
function entriesOf(list: Node, entry: string): unknown {
  const elements = childrenOf(list).filter((child) => nameOf(child) !== TEXT);
  const strays = elements.some((child) => nameOf(child) !== entry) || (elements.length === 0 && isTextOnly(list));
  return strays ? textOf(list) : elements.map((element) => textOf(element));
}

/** What a client's name means in a table of ours, and not what every object has under it. */
const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** The text of an element; where elements stand in it, something that its field does not accept. */
function textOf(node: Node, unacceptable: object = {}): unknown {
  const children = childrenOf(node);
  if (children.some((child) => nameOf(child) !== TEXT && nameOf(child) !== CDATA)) return unacceptable;
  return children.map((child) => (nameOf(child) === CDATA ? rawTextOf(child) : unescaped(String(child[TEXT])))).join('');
}

const rawTextOf = (cdata: Node): string =>
  childrenOf(cdata)
    .map((child) => String(child[TEXT]))
    .join('');
const nameOf = (node: Node): string => Object.keys(node).find((key) => key !== ATTRIBUTES) ?? TEXT;

function childrenOf(node: Node): Node[] {
  const children = node[nameOf(node)];
  return Array.isArray(children) ? (children as Node[]) : [];
}

const isTextOnly = (node: Node): boolean => typeof textOf(node) === 'string' && String(textOf(node)).trim() !== '';

const isNil = (node: Node): boolean =>
  Object.entries((node[ATTRIBUTES] ?? {}) as Record<string, string>).some(
    ([name, value]) => /(^|:)nil$/.test(name) && (value === 'true' || value === '1'),
  );

const PREDEFINED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The five entities that XML itself has, and character references: there are no others, because there is no DOCTYPE. */
function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex?: string, decimal?: string, name?: string) => {
    if (name) return PREDEFINED[name] ?? '';
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    if (!isXmlCharacter(code)) throw malformed('a character reference names a character that XML 1.0 does not allow');
    return String.fromCodePoint(code);
  });
}

const isXmlCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);
