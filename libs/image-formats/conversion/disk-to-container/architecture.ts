import { type LinuxTree } from './linux-tree.js';

/** Programs that tell what the system was built for. */
const PROGRAMS = ['bin/sh', 'bin/bash', 'bin/busybox', 'sbin/init', 'usr/bin/env'];

/** By the machine in an ELF header, as Docker names it. */
const MACHINES: Record<number, { architecture: string; variant?: string }> = {
  3: { architecture: '386' },
  21: { architecture: 'ppc64le' },
  22: { architecture: 's390x' },
  40: { architecture: 'arm', variant: 'v7' },
  62: { architecture: 'amd64' },
  183: { architecture: 'arm64', variant: 'v8' },
  243: { architecture: 'riscv64' },
  258: { architecture: 'loong64' },
};

/** What the system's own programs are built for; amd64 where none tells. */
export async function architectureOf(tree: LinuxTree): Promise<{ architecture: string; variant?: string }> {
  for (const path of PROGRAMS) {
    const node = await tree.find(path);
    if (node?.inode.type !== 'file') continue;
    for await (const part of node.filesystem.content(node.inode)) {
      const found = part.kind === 'data' ? machineOf(part.bytes) : undefined;
      if (found) return found;
      break;
    }
  }
  return { architecture: 'amd64' };
}

function machineOf(head: Buffer) {
  if (head.length < 20 || head.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  return MACHINES[head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)];
}
