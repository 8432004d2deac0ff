import { execFile } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { chmod, copyFile, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { busyboxPath } from '#libs/testing';

const run = promisify(execFile);
const MIB = 2 ** 20;
const BLOCK = 4 * MIB;

/** A raw disk whose first and last mebibytes are random, with zeros between. Returns its path. */
export async function randomDisk(path: string, bytes: number): Promise<string> {
  await using disk = await open(path, 'wx');
  await disk.truncate(bytes);
  const piece = Buffer.allocUnsafe(MIB);
  for (let at = 0; at < bytes; at += 2 * MIB) await disk.write(randomFillSync(piece), 0, Math.min(MIB, bytes - at), at);
  return path;
}

/** The qcow2 disk of a small Linux system: an ext4 filesystem behind a partition table of its own making. Returns its path. */
export async function linuxDisk(folder: string, { greeting }: { greeting: string }): Promise<string> {
  const root = join(folder, 'root');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'etc'));
  await copyFile(busyboxPath(), join(root, 'bin/busybox'));
  await chmod(join(root, 'bin/busybox'), 0o755);
  for (const command of ['sh', 'cat']) await symlink('busybox', join(root, 'bin', command));
  await writeFile(join(root, 'etc/os-release'), 'ID=lab\nNAME="A lab machine"\n');
  await writeFile(join(root, 'greeting'), `${greeting}\n`);
  const [raw, qcow2] = [join(folder, 'linux.raw'), join(folder, 'linux.qcow2')];
  await run('truncate', ['-s', '64M', raw]);
  await run('sh', ['-c', 'printf "label: gpt\\nstart=2048, type=L\\n" | sfdisk -q "$0"', raw]);
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, '-E', 'offset=1048576,root_owner=0:0', raw, '60M']);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2]);
  return qcow2;
}

/** The content digest of a raw disk, worked out as its definition says: block after block. */
export async function contentDigestOf(raw: string): Promise<string> {
  await using disk = await open(raw);
  const { size } = await disk.stat();
  const blocks = createHash('sha256');
  for (let at = 0; at < size; at += BLOCK) {
    const { buffer, bytesRead } = await disk.read(Buffer.alloc(BLOCK), 0, BLOCK, at);
    blocks.update(createHash('sha256').update(buffer.subarray(0, bytesRead)).digest());
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(size));
  return `disk-sha256-4m:${blocks.update(length).digest('hex')}`;
}
