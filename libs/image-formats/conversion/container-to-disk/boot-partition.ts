import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type DiskLayout } from './disk-layout.js';
import { initramfs } from './initramfs.js';
import { NEEDS } from './needs.js';
import { type OwnKernel } from './own-kernel.js';
import { DISK, UNPACKED, type Workbench } from './workbench.js';

const BOOT = 'boot';
const BOOT_CODE_BYTES = 440;
/** The last console is the one that counts. A machine that is emulated on a busy host fails the check of the timer, as clouds' images know. */
const KERNEL_OPTIONS = 'rw net.ifnames=0 console=tty0 console=ttyS0,115200n8 no_timer_check quiet';

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
  const options = `root=UUID=${ids.rootFilesystem} ${KERNEL_OPTIONS}`;
  const file = async (path: string, content: string | Buffer) => {
    await mkdir(dirname(join(bench.folder, BOOT, path)), { recursive: true });
    await writeFile(join(bench.folder, BOOT, path), content);
  };
  await file('syslinux.cfg', `DEFAULT vice\nLABEL vice\nLINUX /vmlinuz\nINITRD /initrd\nAPPEND ${options}\n`);
  await file('loader/loader.conf', 'timeout 0\ndefault vice.conf\n');
  await file('loader/entries/vice.conf', `title ViCE\nlinux /vmlinuz\ninitrd /initrd\noptions ${options}\n`);
  await file('EFI/BOOT/BOOTX64.EFI', await readFile(NEEDS.files.efiLoader));
  const partition = `${DISK}@@${boot.at}`;
  const copy = (from: string[], to: string) => bench.run('mcopy', ['-i', partition, '-s', ...from, `::${to}`]);

  // With clusters as small as can be, since FAT32 needs many.
  const volume = ids.bootPartition.slice(0, 8);
  const sectors = [`--offset=${boot.at / 512}`, '-h', String(boot.at / 512)];
  await bench.run('mkfs.vfat', ['-F', '32', '-s', '1', '-n', 'BOOT', '-i', volume, ...sectors, DISK, String(boot.size / 1024)]);
  await copy([files.kernel], 'vmlinuz');
  await copy([files.initrd], 'initrd');
  await copy(
    ['EFI', 'loader', 'syslinux.cfg'].map((name) => `${BOOT}/${name}`),
    '',
  );
  await bench.run('syslinux', ['--install', '--offset', String(boot.at), DISK]);
  await writeBootSector(join(bench.folder, DISK));
}

/** The code before the partition table, which a BIOS starts. */
async function writeBootSector(disk: string): Promise<void> {
  const code = await readFile(NEEDS.files.bootSector);
  await using handle = await open(disk, 'r+');
  await handle.write(code.subarray(0, BOOT_CODE_BYTES), 0, Math.min(code.length, BOOT_CODE_BYTES), 0);
}
