import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { INITRAMFS_INIT } from './guest-scripts.js';
import { KERNEL_FOLDER, NEEDS } from './needs.js';

const FOLDER = 0o40755;
const PROGRAM = 0o100755;
const LINK = 0o120777;

/** Reads the kernel's modules and busybox, and packs them into an initial RAM filesystem: a gzipped cpio archive. */
export async function initramfs(): Promise<Buffer> {
  const release = (await readFile(NEEDS.files.kernelRelease, 'utf8')).trim();
  const archive = new CpioArchive();
  for (const folder of ['bin', 'sbin', 'dev', 'proc', 'sys', 'root']) archive.add(folder, FOLDER);
  archive.add('init', PROGRAM, Buffer.from(INITRAMFS_INIT));
  archive.add('bin/busybox', PROGRAM, await readFile(NEEDS.files.busybox));
  // By this name the kernel asks for modules itself.
  archive.add('sbin/modprobe', LINK, Buffer.from('/bin/busybox'));
  const modules = join(KERNEL_FOLDER, 'modules');
  const files = await readdir(modules, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile()).sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1))) {
    archive.add(`lib/modules/${release}/${relative(modules, pathOf(file))}`, 0o100644, await readFile(pathOf(file)));
  }
  // Fast rather than small: it makes 1 MB of difference.
  return await promisify(gzip)(archive.end(), { level: 3 });
}

const pathOf = (entry: { parentPath: string; name: string }): string => join(entry.parentPath, entry.name);

/** The format that the kernel reads ("newc"). */
class CpioArchive {
  private readonly parts: Buffer[] = [];
  private readonly folders = new Set<string>();
  private inode = 0;

  /** With the folders that it lies in. */
  add(path: string, mode: number, content: Buffer = Buffer.alloc(0)): void {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folder !== '' && !this.folders.has(folder)) this.add(folder, FOLDER);
    if (mode === FOLDER) this.folders.add(path);
    this.write(path, mode, content, ++this.inode);
  }

  end(): Buffer {
    this.write('TRAILER!!!', 0, Buffer.alloc(0), 0);
    return Buffer.concat(this.parts);
  }

  private write(path: string, mode: number, content: Buffer, inode: number): void {
    const name = Buffer.from(`${path}\0`);
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
    this.parts.push(header, name, aligned(header.length + name.length), content, aligned(content.length));
  }
}

const aligned = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
