import { encodeTarEntry } from './tar.encoder.js';
import { type TarHeader } from './tar.header.js';

/** What an entry says of itself, as it was read from another archive. */
export type WrittenEntry = Pick<
  TarHeader,
  'name' | 'type' | 'size' | 'linkname' | 'mode' | 'mtime' | 'uid' | 'gid' | 'device' | 'xattrs'
>;

/** The header of an entry, `size` bytes of body and `tarPadding` to follow. */
export function tarHeader({ type, name, linkname, mode, mtime, xattrs = new Map(), ...rest }: WrittenEntry): Buffer {
  return encodeTarEntry({
    ...rest,
    type: type === 'other' ? 'file' : type,
    name: asBytes(name),
    linkname: asBytes(linkname),
    mode: mode & 0o7777,
    mtime: { seconds: mtime, nanoseconds: 0 },
    attributes: [...xattrs].map(([attribute, value]) => ({ name: asBytes(attribute), value })),
  });
}

/** A character for each byte. */
const asBytes = (text: string): string => Buffer.from(text).toString('latin1');
