import { type FlatImage } from '../../docker-archive/flatten/flatten.js';

/** Those that a filesystem of Linux keeps. */
const KNOWN = /^(user|security|trusted|system)\.[\w.:@+-]+$/;

/**
 * The extended attributes of an image's files as setfattr restores them. Not left to tar: what it gives an attribute before an owner, fakeroot forgets
 * the type of.
 */
export function attributeList(image: Pick<FlatImage, 'xattrs'>): string {
  const entries: string[] = [];
  for (const { path, xattrs } of image.xattrs()) {
    const lines = [...xattrs].filter(([name]) => KNOWN.test(name)).map(([name, value]) => `${name}=0x${value.toString('hex')}`);
    if (lines.length > 0) entries.push([`# file: ${escaped(path)}`, ...lines, '', ''].join('\n'));
  }
  return entries.join('');
}

const escaped = (path: string): string =>
  [...Buffer.from(path)]
    .map((byte) =>
      /[\w./-]/.test(String.fromCharCode(byte)) && byte < 128
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(3, '0')}`,
    )
    .join('');
