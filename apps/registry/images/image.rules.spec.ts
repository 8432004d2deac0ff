import { describe, expect, test } from '@jest/globals';
import { changed, stepAfter, type ImageContentOf, type ImageSituation, type ImageStep } from './image.rules.js';

const blank: ImageContentOf = {
  title: null,
  description: null,
  tags: [],
  visibility: 'private',
  imagetype: null,
  contenttype: null,
  saidContenttype: null,
  specifics: {},
  originEnvironmentId: null,
  environmentReference: null,
};
const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('an image changed by a draft', () => {
  const before = { ...blank, title: 'old', tags: ['a'], visibility: 'public', specifics: { a: 1 }, digest: null } as const;

  test('absent stays', () => {
    expect(changed({ ...before, tags: ['a'] }, {}, null)).toEqual({
      ...blank,
      title: 'old',
      tags: ['a'],
      visibility: 'public',
      specifics: { a: 1 },
    });
  });

  test('null clears: no title, no tags, private, empty specifics', () => {
    expect(changed({ ...before, tags: ['a'] }, { title: null, tags: null, visibility: null, specifics: null }, null)).toEqual(
      blank,
    );
  });

  test('specifics are replaced as a whole', () => {
    expect(changed({ ...before, tags: [] }, { specifics: { b: 2 } }, null).specifics).toEqual({ b: 2 });
  });

  test('what the user says of the content type shows until there is content', () => {
    const empty = changed({ ...blank, digest: null }, { contenttype: 'disk-raw' }, null);
    expect([empty.contenttype, empty.saidContenttype]).toEqual(['disk-raw', 'disk-raw']);
    const full = changed({ ...blank, contenttype: 'disk-raw', digest: DIGEST }, { contenttype: 'disk-qcow2' }, null);
    expect([full.contenttype, full.saidContenttype]).toEqual(['disk-raw', 'disk-qcow2']);
  });
});

describe('what a change sets off', () => {
  const there = { originEnvironmentId: 'e1', environmentReference: 'busybox' };
  const empty: ImageSituation = { ...blank, status: 'empty', digest: null, flight: null, importedLast: false };
  const ready: ImageSituation = {
    ...empty,
    status: 'ready',
    digest: DIGEST,
    contenttype: 'disk-raw',
    saidContenttype: 'disk-raw',
  };
  const imported: ImageSituation = { ...ready, ...there, importedLast: true };
  const importing: ImageSituation = { ...empty, ...there, status: 'importing', flight: 'import', importedLast: true };
  const uploaded: ImageSituation = { ...empty, status: 'importing', flight: 'inspect' };

  const table: [string, ImageSituation, Partial<ImageContentOf>, ImageStep][] = [
    ['nothing changed', imported, {}, null],
    ['only words changed', imported, { title: 'new' }, null],
    ['an origin and a reference appear', empty, there, 'import'],
    ['a reference completes the origin', { ...empty, originEnvironmentId: 'e1' }, { environmentReference: 'busybox' }, 'import'],
    ['a reference alone waits for an upload', empty, { environmentReference: 'busybox' }, null],
    ['an origin alone too', empty, { originEnvironmentId: 'e1' }, null],
    ['an empty reference is none', { ...empty, originEnvironmentId: 'e1' }, { environmentReference: '' }, null],
    ['another reference', imported, { environmentReference: 'alpine' }, 'import'],
    ['another origin', imported, { originEnvironmentId: 'e2' }, 'import'],
    ['another reference while the former is imported', importing, { environmentReference: 'alpine' }, 'import'],
    ['the last import failed', { ...importing, status: 'failed', flight: null }, {}, 'import'],
    ['the last import failed, and left former content', { ...imported, status: 'failed' }, { title: 'new' }, 'import'],
    ['the last upload failed, the import before it did not', { ...imported, status: 'failed', importedLast: false }, {}, null],
    ['the origin goes while it imports', importing, { originEnvironmentId: null }, 'withdraw'],
    ['the reference goes while it imports', importing, { environmentReference: null }, 'withdraw'],
    [
      'the origin goes after the import failed',
      { ...importing, status: 'failed', flight: null },
      { originEnvironmentId: null },
      'withdraw',
    ],
    ['the origin goes from what was imported', imported, { originEnvironmentId: null }, null],
    [
      'the origin goes while what was imported is inspected',
      { ...importing, flight: 'inspect' },
      { originEnvironmentId: null },
      null,
    ],
    ['another content type of what is there', ready, { saidContenttype: 'disk-qcow2' }, 'inspect-content'],
    ['a content type that it has anyway', { ...ready, saidContenttype: null }, { saidContenttype: 'disk-raw' }, null],
    ['the content type is left to be found', ready, { saidContenttype: null }, null],
    [
      'the content type is taken back after it was refused',
      { ...ready, status: 'failed', saidContenttype: 'disk-qcow2' },
      { saidContenttype: 'disk-raw' },
      'inspect-content',
    ],
    ['another content type of what is being inspected', uploaded, { saidContenttype: 'disk-qcow2' }, 'inspect-arrived'],
    ['another content type of what is being imported', importing, { saidContenttype: 'disk-qcow2' }, null],
    ['a content type before there is content', empty, { saidContenttype: 'disk-raw' }, null],
  ];
  test.each(table)('%s', (_, before, change, step) => {
    expect(stepAfter(before, { ...before, ...change })).toBe(step);
  });
});
