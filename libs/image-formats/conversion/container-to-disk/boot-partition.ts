import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DiskLayout } from './disk-layout.js';
import { initramfs } from './initramfs.js';
import { NEEDS } from './needs.js';
import { type OwnKernel } from './own-kernel.js';
import { DISK, UNPACKED, type Workbench } from './workbench.js';

const BOOT = 'boot';
const BOOT_CODE_BYTES = 440;

/** Files for the boot partition, as paths in the work's folder or on this machine. */
export interface BootFiles {
  kernel: string;
  initrd: string;
  bytes: number;
}

/** Those of the image where it has its own kernel, else ours. */
export async function bootFiles(bench: Pick<Workbench, 'folder'>, own: OwnKernel | null): Promise<BootFiles> {
  if (own) return { kernel: `${UNPACKED}/${own.kernel}`, initrd: `${UNPACKED}/${own.initrd}`, bytes: own.bytes };
  const initrd = await initramfs();
  await writeFile(join(bench.folder, 'initrd'), initrd);
  return { kernel: NEEDS.files.kernel, initrd: 'initrd', bytes: (await stat(NEEDS.files.kernel)).size + initrd.length };
}

/** The partition with kernel and boot loaders: syslinux for a BIOS, systemd-boot for UEFI. To be written once the partition table is there. */
export async function writeBootPartition(bench: Workbench, { boot, ids }: DiskLayout, files: BootFiles): Promise<void> {
  const options = `root=UUID=${ids.rootFilesystem} rw net.ifnames=0 console=tty0 console=ttyS0,115200n8 quiet`;
  await mkdir(join(bench.folder, BOOT), { recursive: true });
  const file = async (name: string, ...lines: string[]) => {
    await writeFile(join(bench.folder, BOOT, name), [...lines, ''].join('\n'));
    return `${BOOT}/${name}`;
  };
  const syslinux = await file(
    'syslinux.cfg',
    'DEFAULT vice',
    'LABEL vice',
    'LINUX /vmlinuz',
    'INITRD /initrd',
    `APPEND ${options}`,
  );
  const loader = await file('loader.conf', 'timeout 0', 'default vice.conf');
  const entry = await file('vice.conf', 'title ViCE', 'linux /vmlinuz', 'initrd /initrd', `options ${options}`);
  const partition = `${DISK}@@${boot.at}`;
  const copy = (from: string, to: string) => bench.run('mcopy', ['-i', partition, '-o', from, `::${to}`]);

  const volume = ids.bootPartition.slice(0, 8);
  const sectors = [`--offset=${boot.at / 512}`, '-h', String(boot.at / 512)];
  await bench.run('mkfs.vfat', ['-F', '32', '-n', 'BOOT', '-i', volume, ...sectors, DISK, String(boot.size / 1024)]);
  await bench.run('mmd', ['-i', partition, '::EFI', '::EFI/BOOT', '::loader', '::loader/entries']);
  await copy(files.kernel, 'vmlinuz');
  await copy(files.initrd, 'initrd');
  await copy(syslinux, 'syslinux.cfg');
  await copy(loader, 'loader/loader.conf');
  await copy(entry, 'loader/entries/vice.conf');
  await copy(NEEDS.files.efiLoader, 'EFI/BOOT/BOOTX64.EFI');
  await bench.run('syslinux', ['--install', '--offset', String(boot.at), DISK]);
  await writeBootSector(join(bench.folder, DISK));
}

/** The code before the partition table, which a BIOS starts. */
async function writeBootSector(disk: string): Promise<void> {
  const code = await readFile(NEEDS.files.bootSector);
  await using handle = await open(disk, 'r+');
  await handle.write(code.subarray(0, BOOT_CODE_BYTES), 0, Math.min(code.length, BOOT_CODE_BYTES), 0);
}
