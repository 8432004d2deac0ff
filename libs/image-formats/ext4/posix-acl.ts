import { invalid } from '../refusal.js';

const NAMES_SOMEBODY = [0x02, 0x08];

/** An access control list as system calls, and so tar archives, have it (8 bytes an entry), from its shorter form on the disk. */
export function unpackedAcl(packed: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(2);
  const entries = [header];
  if (packed.length < 4 || packed.readUInt32LE(0) !== 1) throw damaged();
  for (let at = 4; at < packed.length;) {
    if (at + 4 > packed.length) throw damaged();
    const entry = Buffer.alloc(8, 0xff);
    const length = NAMES_SOMEBODY.includes(packed.readUInt16LE(at)) ? 8 : 4;
    if (at + length > packed.length) throw damaged();
    packed.copy(entry, 0, at, at + length);
    entries.push(entry);
    at += length;
  }
  return Buffer.concat(entries);
}

const damaged = () => invalid('the ext4 filesystem is damaged: an access control list cannot be read');
