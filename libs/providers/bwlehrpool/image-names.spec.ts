import { describe, expect, it } from '@jest/globals';
import { finishedName, isInTheMaking, markedDescription, markerIn, nameInTheMaking, withoutMarks } from './image-names.js';
import { notedReference, parseReference, referenceText } from './image-reference.js';

const MARKER = '6f1ed002-ab59-4e53-9d4e-4f2a8e0c1b01';

describe('names of images', () => {
  it.each([
    ['Statistics', 'Statistics'],
    ['  two\nlines\t ', 'two lines'],
    ['zero\u200bwidth', 'zero width'],
    ['', 'ViCE image'],
    ['\u0007', 'ViCE image'],
    [null, 'ViCE image'],
    ['Ärzte & Söhne 日本', 'Ärzte & Söhne 日本'],
    ['x'.repeat(200), 'x'.repeat(100)],
    [`${'x'.repeat(99)}😀`, 'x'.repeat(99)],
    [`copy [ViCE ${MARKER}]`, 'copy'],
  ])('%j becomes %j', (title, name) => {
    expect(finishedName(title)).toBe(name);
  });

  it.each(['Statistics', 'x'.repeat(200), null, `${'x'.repeat(55)}😀`])(
    'carry the marker whole while they are in the making: %j',
    (title) => {
      const name = nameInTheMaking(title, MARKER);
      expect(name.length).toBeLessThanOrEqual(100);
      expect(name).not.toMatch(/\p{Cs}/u);
      expect(markerIn({ imageName: name })).toBe(MARKER);
      expect(isInTheMaking({ imageName: name })).toBe(true);
    },
  );

  it('leave the marker to the description when they are finished', () => {
    const description = markedDescription('For the course', MARKER);
    expect(description).toBe(`For the course\n\n[ViCE ${MARKER}]`);
    expect(markerIn({ imageName: 'Statistics', description })).toBe(MARKER);
    expect(isInTheMaking({ imageName: 'Statistics' })).toBe(false);
    expect(withoutMarks(description)).toBe('For the course');
    expect(markedDescription(null, MARKER)).toBe(`[ViCE ${MARKER}]`);
  });

  it('carry one marker only, however often an image goes to and fro', () => {
    const other = 'c0ffee00-0000-4000-8000-000000000002';
    const again = markedDescription(markedDescription('text', MARKER), other);
    expect(again).toBe(`text\n\n[ViCE ${other}]`);
  });
});

describe('references', () => {
  it('are read as they are written', () => {
    expect(parseReference(referenceText('b', 'v'))).toEqual({ baseId: 'b', versionId: 'v' });
    expect(parseReference(notedReference('b', { token: 'v', port: 9093 }))).toEqual({ baseId: 'b', versionId: 'v', port: 9093 });
  });

  it.each(['', 'b', 'b/', '/v', 'b/v/x', 'b/v:', 'b/v:x', '../v', 'b/v:9093:1'])('%s is none of a version', (text) => {
    expect(parseReference(text)).toBeNull();
  });
});
