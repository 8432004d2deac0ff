import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tool, type Requirement } from './requirement.js';

const UEFI = '/usr/share/OVMF/OVMF_CODE_4M.fd';
/** By which firmware clears the screen. */
const ESCAPES = /\x1b(\[[0-9;?=]*[A-Za-z]|c)/g;
const UEFI_VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd';

export interface BootOptions {
  firmware?: 'bios' | 'uefi';
  /** `virtio` as a cloud has it, `legacy` (IDE and e1000) or `sata` as machines for the desktop have it. */
  hardware?: 'virtio' | 'scsi' | 'sata' | 'legacy';
  format?: 'qcow2' | 'raw' | 'vmdk';
  /** Milliseconds until it must have powered itself off, or have printed what `until` looks for. */
  timeout?: number;
  /** Ends the machine as soon as its serial console shows this. */
  until?: RegExp;
}

/** That `bootDisk` works here. */
export function virtualMachine(): Requirement<void> {
  return {
    what: 'QEMU with UEFI',
    async find() {
      await tool('qemu-system-x86_64').find();
      for (const file of [UEFI, UEFI_VARIABLES]) if (!existsSync(file)) throw new Error(`${file} is not there (package ovmf)`);
    },
  };
}

/** Boots a machine of 256 MB from the disk, which stays as it is, on a network that gives out addresses by DHCP. What its serial console showed. */
export async function bootDisk(
  disk: string,
  { firmware = 'bios', hardware = 'virtio', format = 'qcow2', timeout = 300_000, until }: BootOptions = {},
): Promise<string> {
  const pflash = (file: string, options: string) => ['-drive', `if=pflash,format=raw,file=${file},${options}`];
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...[
        '-m',
        '256',
        '-nographic',
        '-no-reboot',
        '-accel',
        'tcg',
        '-drive',
        `id=disk,if=none,format=${format},snapshot=on,file=${disk}`,
      ],
      ...HARDWARE[hardware],
      ...(firmware === 'uefi' ? [...pflash(UEFI, 'readonly=on'), ...pflash(UEFI_VARIABLES, 'snapshot=on')] : []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let shown = '';
  let seen = false;
  const show = (bytes: Buffer) => {
    shown += bytes.toString('latin1');
    if (until?.test(shown)) {
      seen = true;
      machine.kill('SIGKILL');
    }
  };
  machine.stdout.on('data', show);
  machine.stderr.on('data', show);
  const late = setTimeout(() => machine.kill('SIGKILL'), timeout);
  const code = await new Promise<number | null>((resolve, reject) => machine.once('error', reject).once('close', resolve));
  clearTimeout(late);
  const text = Buffer.from(shown, 'latin1').toString('utf8').replaceAll(ESCAPES, '').replaceAll('\r\n', '\n');
  if (code !== 0 && !seen)
    throw new Error(`the machine did not come to its end within ${timeout} ms (${code}):\n${text.slice(-2000)}`);
  return text;
}

const HARDWARE = {
  virtio: ['-device', 'virtio-blk-pci,drive=disk', '-nic', 'user,model=virtio-net-pci'],
  scsi: ['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=disk', '-nic', 'user,model=virtio-net-pci'],
  sata: ['-machine', 'q35', '-device', 'ide-hd,drive=disk', '-nic', 'user,model=e1000e'],
  legacy: ['-device', 'ide-hd,drive=disk', '-nic', 'user,model=e1000'],
};
