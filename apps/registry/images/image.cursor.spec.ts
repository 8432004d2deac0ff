import { describe, expect, test } from '@jest/globals';
import { decodeCursor, encodeCursor, type ImageCursor } from './image.cursor.js';

const ID = '11111111-2222-4333-8444-555555555555';
const packed = (fields: unknown) => Buffer.from(JSON.stringify(fields)).toString('base64url');

describe('a cursor', () => {
  const cursors: ImageCursor[] = [
    { sort: '-createdAt', key: '2026-01-31 12:00:00.123+00', id: ID },
    { sort: 'updatedAt', key: '2026-01-31 12:00:00+05:30', id: ID },
    { sort: 'title', key: 'größer als "alles"', id: ID },
    { sort: 'title', key: '', id: ID },
    { sort: '-size', key: '-1', id: ID },
    { sort: 'size', key: '1099511627776', id: ID },
  ];
  test.each(cursors)('comes back as it was: $sort, $key', (cursor) => {
    expect(decodeCursor(encodeCursor(cursor), cursor.sort)).toEqual(cursor);
  });

  test('holds nothing that a link would have to escape', () => {
    expect(encodeCursor({ sort: '-createdAt', key: '2026-01-31 12:00:00.123+00', id: ID })).toMatch(/^[\w-]+$/);
  });

  const wrong: [string, string][] = [
    ['nothing', ''],
    ['no JSON', 'xyz'],
    ['no list', packed({ sort: 'title' })],
    ['another sort order', encodeCursor({ sort: 'title', key: 'a', id: ID })],
    ['no id', packed(['-createdAt', '2026-01-31 12:00:00+00', 'x'])],
    ['no instant', packed(['-createdAt', 'yesterday', ID])],
    ['no such day', packed(['-createdAt', '2026-02-30 12:00:00+00', ID])],
    ['no such time', packed(['-createdAt', '2026-01-31 25:00:00+00', ID])],
    ['no such year', packed(['-createdAt', '0000-01-31 12:00:00+00', ID])],
    ['no such zone', packed(['-createdAt', '2026-01-31 12:00:00+99', ID])],
    ['a key that is no text', packed(['-createdAt', 7, ID])],
  ];
  test.each(wrong)('is refused where it is wrong: %s', (_, text) => {
    expect(() => decodeCursor(text, '-createdAt')).toThrow(
      expect.objectContaining({ code: 'INVALID_QUERY', fields: [expect.objectContaining({ field: 'cursor' })] }),
    );
  });

  test('is refused where its key is none of that order', () => {
    expect(() => decodeCursor(packed(['size', '1; DROP', ID]), 'size')).toThrow('cursor');
    expect(() => decodeCursor(packed(['title', 'a\0b', ID]), 'title')).toThrow('cursor');
  });
});
