/** Where `scripts/guest-kernel.sh` puts Debian's kernel and the modules by which it reaches disk and network: `vmlinuz`, `release`, `modules/`. */
export const KERNEL_FOLDER = '/usr/local/lib/vice-kernel';

/** Beyond the Debian machine itself, what making a disk of a container image needs. */
export const NEEDS = {
  /** Found on the PATH, which must have /usr/sbin. */
  programs: ['fakeroot', 'tar', 'setfattr', 'mke2fs', 'sfdisk', 'mkfs.vfat', 'mcopy', 'syslinux', 'qemu-img'],
  files: {
    /** Starts syslinux from the partition that the GPT marks as bootable. */
    bootSector: '/usr/lib/syslinux/mbr/gptmbr.bin',
    efiLoader: '/usr/lib/systemd/boot/efi/systemd-bootx64.efi',
    /** Both are static programs that go into the disk. */
    busybox: '/bin/busybox',
    gosu: '/usr/sbin/gosu',
    kernel: `${KERNEL_FOLDER}/vmlinuz`,
    kernelRelease: `${KERNEL_FOLDER}/release`,
    kernelModules: `${KERNEL_FOLDER}/modules/modules.dep`,
  },
  /** Packages of Debian 12 that bring all of it but the kernel. */
  packages: [
    ...[
      'attr',
      'busybox-static',
      'dosfstools',
      'e2fsprogs',
      'fakeroot',
      'fdisk',
      'gosu',
      'kmod',
      'mtools',
      'qemu-utils',
      'syslinux',
    ],
    ...['syslinux-common', 'systemd-boot-efi', 'tar'],
  ],
} as const;
