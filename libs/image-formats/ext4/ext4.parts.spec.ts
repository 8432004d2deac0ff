import { describe, expect, test } from '@jest/globals';
import { refuseUnknownFeatures } from './ext4.features.js';
import { crc32c } from './journal/crc32c.js';
import { unpackedAcl } from './posix-acl.js';

describe('an ext4 filesystem', () => {
  test.each([
    [0x10000, 'encrypts files'],
    [0x1, 'compresses files'],
    [0x8, 'journal of another'],
    [0x80000000, '0x80000000'],
    [0x40000, '0x40000'],
  ])('with the feature %i, which this reader lacks, is refused in words', (feature, words) => {
    expect(() => refuseUnknownFeatures(0x2c2 + feature)).toThrow(
      expect.objectContaining({ code: 'CONTENT_REFUSED', message: expect.stringContaining(words) }),
    );
  });

  test('with the features of mke2fs and more is taken', () => {
    expect(() => refuseUnknownFeatures(0x2e7d6 & ~0x1000)).not.toThrow();
  });

  test('has checksums as CRC-32C has them', () => {
    expect(crc32c(0xffffffff, Buffer.from('123456789'))).toBe(~0xe3069283 >>> 0);
  });

  test('keeps access control lists in a form of its own', () => {
    const packed = Buffer.from('01000000' + '01000600' + '02000400d2040000' + '20000400', 'hex');
    expect(unpackedAcl(packed).toString('hex')).toBe('02000000' + '01000600ffffffff' + '02000400d2040000' + '20000400ffffffff');
    expect(() => unpackedAcl(packed.subarray(0, 10))).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });
});
