import { describe, expect, it } from '@jest/globals';
import { attachment, fileName } from './file-name.js';

describe('fileName', () => {
  it.each([
    ['Web server', 'disk-qcow2', 'Web server.qcow2'],
    ['disk.QCOW2', 'disk-qcow2', 'disk.qcow2'],
    ['../../etc/passwd', 'disk-raw', 'etc-passwd.img'],
    ['a\r\nX: y', 'docker-image', 'a-X- y.tar'],
    ['Bücher', 'docker-image', 'Bücher.tar'],
    [null, 'disk-vmdk', 'image-1.vmdk'],
    ['...', 'disk-vmdk', 'image-1.vmdk'],
    ['x'.repeat(300), 'disk-raw', `${'x'.repeat(150)}.img`],
  ] as const)('%j as %s is %s', (title, contentType, name) => expect(fileName(title, '1', contentType)).toBe(name));
});

describe('attachment', () => {
  it.each([
    ['a.tar', 'attachment; filename="a.tar"'],
    ['Bücher.tar', `attachment; filename="Bucher.tar"; filename*=UTF-8''B%C3%BCcher.tar`],
    ["it's (1).tar", `attachment; filename="it's (1).tar"`],
    ["日'.tar", `attachment; filename="_'.tar"; filename*=UTF-8''%E6%97%A5%27.tar`],
  ])('%s', (name, header) => expect(attachment(name)).toBe(header));
});
