import { describe, expect, it } from '@jest/globals';
import { variantWish } from './variant-wish.js';

describe('the form in which a download is wanted', () => {
  it.each([
    [{}, null],
    [{ contenttype: '' }, null],
    [{ contenttype: 'disk-qcow2' }, { contentType: 'disk-qcow2', subformat: null }],
    [
      { contenttype: 'disk-vmdk', subformat: 'streamOptimized' },
      { contentType: 'disk-vmdk', subformat: 'streamOptimized' },
    ],
  ])('%j', (query, wish) => expect(variantWish(query)).toEqual(wish));

  it.each([
    [{ contenttype: 'iso' }, ['contenttype']],
    [{ contenttype: ['disk-raw', 'disk-vmdk'] }, ['contenttype']],
    [{ contenttype: 'disk-vmdk', subformat: 'flat' }, ['subformat']],
    [{ contenttype: 'iso', subformat: 'streamOptimized' }, ['contenttype']],
    [{ contenttype: 'disk-raw', subformat: 'streamOptimized' }, ['subformat']],
    [{ subformat: 'streamOptimized' }, ['subformat']],
  ])('%j is at fault in %j', (query, fields) => {
    expect(() => variantWish(query as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_QUERY', fields: fields.map((field) => expect.objectContaining({ field })) }),
    );
  });
});
