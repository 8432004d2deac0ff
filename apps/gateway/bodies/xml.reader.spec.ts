import { describe, expect, it } from '@jest/globals';
import { readXml } from './xml.reader.js';

const imageOf = (fields: string) => readXml('Image', `<Image>${fields}</Image>`);

describe('readXml', () => {
  it('reads fields, lists, nested models and JSON fields', () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
      <!-- an image -->
      <Image>
        <title>Bücher &amp; &lt;more&gt; &quot;&apos;&#x1F600;&#65;</title>
        <tags><tag>a</tag> <tag/> <tag>c d</tag></tags>
        <originEnvironment>
          <managementlayer><software>docker</software><version>26.1</version></managementlayer>
          <credentials><specifics>{"tenant":"x"}</specifics></credentials>
        </originEnvironment>
        <unknown>1</unknown>
      </Image>`;
    expect(readXml('Image', xml)).toEqual({
      title: 'Bücher & <more> "\'😀A',
      tags: ['a', '', 'c d'],
      originEnvironment: {
        managementlayer: { software: 'docker', version: '26.1' },
        credentials: { specifics: '{"tenant":"x"}' },
      },
      unknown: '1',
    });
  });

  it.each([
    ['numbers stay text', '<title>0012.50</title>', { title: '0012.50' }],
    ['an empty element is empty text', '<title/>', { title: '' }],
    ['white space in text stays', '<title>  a  b </title>', { title: '  a  b ' }],
    ['line breaks become one', '<title>a\r\nb</title>', { title: 'a\nb' }],
    ['CDATA is as it stands', '<title>x<![CDATA[<b>&amp;]]>y</title>', { title: 'x<b>&amp;y' }],
    ['an escaped entity is not unescaped twice', '<title>&amp;lt;</title>', { title: '&lt;' }],
    ['nil is null', '<title xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>', { title: null }],
    ['an empty list', '<tags/>', { tags: [] }],
    ['a list of one', '<tags><tag>a</tag></tags>', { tags: ['a'] }],
    ['an empty model', '<originEnvironment/>', { originEnvironment: {} }],
    ['comments and instructions are nothing', '<title>a<!-- b -->c<?d e?>f</title>', { title: 'acf' }],
    ['a default namespace is no matter', '<title xmlns="urn:x">a</title>', { title: 'a' }],
  ])('%s', (_, fields, expected) => expect(imageOf(fields)).toEqual(expected));

  it.each([
    ['elements where text belongs', '<title><b>x</b></title>', { title: {} }],
    ['elements where JSON belongs', '<specifics><a>1</a></specifics>', { specifics: [] }],
    ['an element twice', '<title>a</title><title>b</title>', { title: ['a', 'b'] }],
    ['text where a list belongs', '<tags>a</tags>', { tags: 'a' }],
    ['foreign elements in a list', '<tags><x>a</x></tags>', { tags: {} }],
    ['text where a model belongs', '<originEnvironment>a</originEnvironment>', { originEnvironment: 'a' }],
  ])('leaves %s for the validation to refuse', (_, fields, expected) => expect(imageOf(fields)).toEqual(expected));

  it('pollutes no prototype', () => {
    expect(imageOf('<toString>x</toString><title>a</title>')).toMatchObject({ title: 'a' });
    expect(imageOf('<isPrototypeOf/><toLocaleString><a/></toLocaleString>')).toEqual({ isPrototypeOf: '', toLocaleString: {} });
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      expect(() => imageOf(`<${name}><polluted>1</polluted></${name}>`)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      );
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  const wrong: [string, string][] = [
    ['nothing', ''],
    ['text', 'hello'],
    ['JSON', '{"title":"x"}'],
    ['an open element', '<Image><title>a</Image>'],
    ['an element that is not closed', '<Image>'],
    ['crossed elements', '<Image><a><b></a></b></Image>'],
    ['two roots', '<Image/><Image/>'],
    ['text after the root', '<Image/>x'],
    ['text before the root', 'x<Image/>'],
    ['CDATA after the root', '<Image></Image><![CDATA[x]]>'],
    ['a stray &', '<Image><title>a & b</title></Image>'],
    ['an unknown entity', '<Image><title>&nbsp;</title></Image>'],
    ['a forbidden character reference', '<Image><title>&#0;</title></Image>'],
    ['half a surrogate pair by reference', '<Image><title>&#xD800;</title></Image>'],
    ['a control character', '<Image><title>\u0001</title></Image>'],
    [']]> in text', '<Image><title>a]]>b</title></Image>'],
    ['< in an attribute', '<Image a="<"/>'],
    ['an attribute without quotes', '<Image a=b/>'],
    ['an attribute twice', '<Image a="1" a="2"/>'],
    ['an open comment', '<Image><!-- x </Image>'],
    ['-- in a comment', '<Image><!-- a -- b --></Image>'],
    ['open CDATA', '<Image><title><![CDATA[x</title></Image>'],
    ['a declaration in the middle', '<Image><?xml version="1.0"?></Image>'],
    ['a foreign encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><Image/>'],
    ['a DOCTYPE', '<!DOCTYPE Image><Image/>'],
    ['an external entity', '<!DOCTYPE Image [<!ENTITY x SYSTEM "file:///etc/passwd">]><Image><title>&x;</title></Image>'],
    ['a billion laughs', '<!DOCTYPE Image [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Image><title>&b;</title></Image>'],
    ['deep nesting', `${'<Image>'.repeat(40)}${'</Image>'.repeat(40)}`],
    ['another root', '<Environment/>'],
    ['a root in other letters', '<image/>'],
  ];
  it.each(wrong)('refuses %s', (_, xml) => {
    expect(() => readXml('Image', xml)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('takes a large document without stumbling', () => {
    const text = 'x&amp;'.repeat(150_000);
    expect(imageOf(`<title>${text}</title>`)).toEqual({ title: 'x&'.repeat(150_000) });
  });
});
