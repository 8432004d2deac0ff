import { XML_MODELS, type XmlModelName } from './xml-models.js';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** An answer as an XML document: `<Image>…</Image>`, or `<Images><Image>…</Image>…</Images>` for a list. */
export function writeXml(model: XmlModelName, answer: unknown): string {
  if (!Array.isArray(answer)) return DECLARATION + element(model, fields(model, answer));
  const plural = XML_MODELS[model].plural ?? `${model}s`;
  return DECLARATION + element(plural, answer.map((one) => element(model, fields(model, one))).join(''));
}

function fields(model: XmlModelName, value: unknown): string {
  const { lists = {}, modelLists = {}, json = [], models = {} } = XML_MODELS[model];
  let xml = '';
  for (const [name, content] of Object.entries(value ?? {})) {
    if (content === null || content === undefined) continue;
    const entry = lists[name];
    const nested = models[name];
    const list = modelLists[name];
    if (nested) xml += element(name, fields(nested, content));
    else if (list && Array.isArray(content))
      xml += element(name, content.map((one) => element(list.entry, fields(list.model, one))).join(''));
    else if (entry && Array.isArray(content)) xml += element(name, content.map((one) => element(entry, text(one))).join(''));
    else if (json.includes(name) || typeof content === 'object') xml += element(name, escaped(JSON.stringify(content)));
    else xml += element(name, text(content));
  }
  return xml;
}

const element = (name: string, content: string): string => (content ? `<${name}>${content}</${name}>` : `<${name}/>`);
const text = (value: unknown): string => escaped(String(value));

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

/** What XML 1.0 cannot carry at all, not even as a reference, becomes U+FFFD. */
const escaped = (plain: string): string =>
  plain
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character);
