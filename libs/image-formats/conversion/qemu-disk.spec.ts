import { describe, expect, test } from '@jest/globals';
import { checkedInfo, progressIn, sourceArguments, targetArguments, type Driver } from './qemu-disk.js';

describe('what qemu-img says of a source', () => {
  const file = '/blobs/ab';
  const check = (driver: Driver, info: object, data?: object) => {
    const said = { 'virtual-size': 1024, format: driver, ...info, ...(data && { 'format-specific': { type: driver, data } }) };
    return checkedInfo(JSON.stringify(said), driver, file);
  };

  test('is its size, where there is nothing else to it', () => {
    expect(check('raw', {})).toBe(1024);
    expect(check('qcow2', { snapshots: [] }, { compat: '1.1', corrupt: false })).toBe(1024);
    expect(check('vmdk', {}, { extents: [{ filename: file }] })).toBe(1024);
  });

  test.each<[string, Driver, object, object]>([
    ['of another format', 'raw', { format: 'qcow2' }, {}],
    ['with a backing file', 'qcow2', { 'backing-filename': '/etc/passwd' }, {}],
    ['with a backing file by its full name only', 'qcow2', { 'full-backing-filename': '/etc/passwd' }, {}],
    ['with a data file', 'qcow2', {}, { 'data-file': '/etc/passwd' }],
    ['that is encrypted', 'qcow2', { encrypted: true }, {}],
    ['that is encrypted by LUKS', 'qcow2', {}, { encrypt: { format: 'luks' } }],
    ['with snapshots', 'qcow2', { snapshots: [{ id: '1' }] }, {}],
    ['that is marked as corrupt', 'qcow2', {}, { corrupt: true }],
    ['with an extent elsewhere', 'vmdk', {}, { extents: [{ filename: '/etc/passwd' }] }],
    ['with another extent', 'vmdk', {}, { extents: [{ filename: file }, { filename: file }] }],
    ['without an extent', 'vmdk', {}, { extents: [] }],
    ['without a size', 'raw', { 'virtual-size': 0 }, {}],
    ['of a size beyond all bounds', 'raw', { 'virtual-size': 2 ** 50 }, {}],
  ])('is refused of one %s', (_, driver, info, data) => {
    expect(() => check(driver, info, data)).toThrow(expect.objectContaining({ code: 'CONTENT_REFUSED' }));
  });
});

test('formats are always named, and a VHD goes by its size in bytes', () => {
  expect(sourceArguments('raw', '/a')).toEqual(['-f', 'raw', '/a']);
  expect(sourceArguments('vpc', '/a,b=c')).toEqual([
    '--image-opts',
    'driver=vpc,force_size_calc=current_size,file.driver=file,file.filename=/a,,b=c',
  ]);
  expect(targetArguments('raw', undefined)).toEqual(['-O', 'raw']);
  expect(targetArguments('qcow2', undefined)).toEqual(['-O', 'qcow2', '-o', 'compat=1.1']);
  expect(targetArguments('vmdk', undefined)).toEqual(['-O', 'vmdk', '-o', 'subformat=monolithicSparse']);
  expect(targetArguments('vmdk', 'streamOptimized')).toEqual(['-O', 'vmdk', '-o', 'subformat=streamOptimized']);
});

test.each<[string, number | null]>([
  ['    (0.00/100%)\r', 0],
  ['    (12.50/100%)\r    (50.00/100%)\r', 0.5],
  ['    (100.00/100%)\r\n', 1],
  ['qemu-img: warning', null],
])('%j is progress of %p', (text, fraction) => {
  expect(progressIn(text)).toBe(fraction);
});
