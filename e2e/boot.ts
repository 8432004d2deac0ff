import { spawn } from 'node:child_process';

const BOOT_MS = 150_000;

/** Boots a disk in an emulated machine and waits until its serial console shows `expected`. Raises what it showed instead. */
export async function bootToOutput(disk: string, expected: string): Promise<void> {
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-m', '512', '-nographic', '-no-reboot', '-snapshot', '-accel', 'tcg'],
      ...['-drive', `file=${disk},format=qcow2,if=virtio`, '-nic', 'user,model=virtio-net-pci'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let shown = '';
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why}; the console showed:\n${shown.slice(-4000)}`));
      const timer = setTimeout(() => fail(`no "${expected}" within ${BOOT_MS / 1000} s`), BOOT_MS);
      const hear = (chunk: Buffer) => {
        shown += chunk.toString('latin1');
        if (!shown.includes(expected)) return;
        clearTimeout(timer);
        resolve();
      };
      machine.stdout.on('data', hear);
      machine.stderr.on('data', hear);
      machine.once('error', reject).once('close', () => (clearTimeout(timer), fail('the machine ended')));
    });
  } finally {
    machine.kill('SIGKILL');
  }
}
