import { gzipSync } from 'node:zlib';

const BLOCK = 512;

export interface TarMember {
  name: string;
  content?: Buffer | string;
  /** The type byte: `0` file (default), `1` hard link, `2` symbolic link, `3` and `4` devices, `5` folder, `6` fifo, `x` pax records, `L` long name. */
  flag?: string;
  linkname?: string;
  /** Writes this into the size field (12 bytes) instead of the content's length. */
  rawSize?: Buffer;
  mode?: number;
}

export interface TarOptions {
  /** Blocks of zeros at the end; 2 by default. */
  closing?: number;
  gzip?: boolean;
}

/** A tar archive as the members say, also where no tool would write it so. Deterministic. */
export function buildTar(members: TarMember[], { closing = 2, gzip = false }: TarOptions = {}): Buffer {
  const blocks = members.flatMap((member) => {
    const content = Buffer.from(member.content ?? '');
    return [header(member, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  const tar = Buffer.concat([...blocks, Buffer.alloc(closing * BLOCK)]);
  return gzip ? gzipSync(tar) : tar;
}

function header({ name, flag = '0', linkname = '', rawSize, mode = 0o644 }: TarMember, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  block.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  rawSize?.copy(block, 124, 0, 12);
  block.write('00000000000\0', 136);
  block.write(flag, 156);
  block.write(linkname, 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
