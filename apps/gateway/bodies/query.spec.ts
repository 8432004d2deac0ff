import { describe, expect, it } from '@jest/globals';
import { imageQuery } from '../images/image-query.js';
import { pageLinks } from '../http/page-links.js';

describe('imageQuery', () => {
  it('has defaults', () => expect(imageQuery({})).toEqual({ limit: 100, sort: '-createdAt' }));

  it('reads what is there, and ignores what it does not know', () => {
    const query = {
      q: 'web',
      contenttype: 'disk-raw',
      imagetype: 'implicit',
      tag: 'a',
      contentDigest: `disk-sha256-4m:${'0a'.repeat(32)}`,
      limit: '5',
      cursor: 'x',
      sort: 'title',
      foo: 'y',
    };
    expect(imageQuery(query)).toEqual({ ...query, foo: undefined, limit: 5 });
  });

  it.each([
    ['limit', '0'],
    ['limit', '1001'],
    ['limit', '-1'],
    ['limit', '1.5'],
    ['limit', '1e2'],
    ['limit', 'ten'],
    ['contenttype', 'iso'],
    ['imagetype', 'x'],
    ['sort', 'name'],
    ['contentDigest', `sha256:${'0a'.repeat(32)}`],
    ['contentDigest', `disk-sha256-4m:${'0A'.repeat(32)}`],
    ['q', '\u0000'],
    ['q', 'x'.repeat(1001)],
    ['tag', ['a', 'b']],
    ['cursor', ['a', 'b']],
  ])('names %s=%s', (name, value) => {
    expect(() => imageQuery({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_QUERY', fields: [expect.objectContaining({ field: name })] }),
    );
  });
});

describe('pageLinks', () => {
  it('keeps the question, and leads on and back', () => {
    expect(pageLinks('/v1/images?q=a%20b&cursor=1&limit=2', 'cursor', 'n/2')).toBe(
      '</v1/images?q=a+b&limit=2&cursor=n%2F2>; rel="next", </v1/images?q=a+b&limit=2>; rel="first"',
    );
  });

  it('has no next on the last page', () => expect(pageLinks('/v1/images', 'cursor', null)).toBe('</v1/images>; rel="first"'));
});
