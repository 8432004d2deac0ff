import { describe, expect, it } from '@jest/globals';
import { readXml } from './xml.reader.js';
import { writeXml } from './xml.writer.js';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

describe('writeXml', () => {
  it('writes lists, nested models, JSON fields, and leaves out what is null', () => {
    const image = {
      id: '1',
      title: null,
      tags: ['a', 'b'],
      imported: true,
      size: 12,
      specifics: { a: { b: 1 } },
      originEnvironment: { credentials: { location: 'x', specifics: {} }, managementlayer: null },
    };
    expect(writeXml('Image', image)).toBe(
      `${DECLARATION}<Image><id>1</id><tags><tag>a</tag><tag>b</tag></tags><imported>true</imported><size>12</size>` +
        '<specifics>{&quot;a&quot;:{&quot;b&quot;:1}}</specifics><originEnvironment><credentials><location>x</location>' +
        '<specifics>{}</specifics></credentials></originEnvironment></Image>',
    );
  });

  it.each([
    ['Image', [], '<Images/>'],
    ['Image', [{ id: '1' }, { id: '2' }], '<Images><Image><id>1</id></Image><Image><id>2</id></Image></Images>'],
    [
      'Job',
      [{ error: { code: 'X', message: 'y' } }],
      '<Jobs><Job><error><code>X</code><message>y</message></error></Job></Jobs>',
    ],
    ['Deployment', [], '<Deployments/>'],
    ['Environment', [], '<Environments/>'],
    ['RemoteImage', [{ reference: 'a' }], '<RemoteImages><RemoteImage><reference>a</reference></RemoteImage></RemoteImages>'],
    [
      'EnvironmentCheck',
      { ok: false, details: { a: 1 } },
      '<EnvironmentCheck><ok>false</ok><details>{&quot;a&quot;:1}</details></EnvironmentCheck>',
    ],
  ] as const)('writes %s', (model, answer, xml) => expect(writeXml(model, answer)).toBe(DECLARATION + xml));

  it.each(['<&>"\' ]]>', 'a\r\nb\tc\rd', 'ümläut 😀', ' spaces '])('what it writes is read again: %j', (title) => {
    expect(readXml('Image', writeXml('Image', { title }))).toEqual({ title });
  });

  it('replaces what XML cannot carry', () => {
    expect(readXml('Image', writeXml('Image', { title: 'a\u0000b\ud800c\uffff' }))).toEqual({ title: 'a\ufffdb\ufffdc\ufffd' });
  });

  it('writes lists of models, and models in them', () => {
    const step = { kind: 'store', action: 'convert', state: 'failed', jobId: null, error: { code: 'C', message: '<no>' } };
    expect(writeXml('Deployment', { id: '1', plan: [step, { kind: 'export' }] })).toContain(
      '<Deployment><id>1</id><plan><step><kind>store</kind><action>convert</action><state>failed</state>' +
        '<error><code>C</code><message>&lt;no&gt;</message></error></step><step><kind>export</kind></step></plan></Deployment>',
    );
    expect(writeXml('Deployment', { plan: [] })).toContain('<Deployment><plan/></Deployment>');
  });
});
