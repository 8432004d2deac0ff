/** What a machine has to convert with. */
export interface ConversionMeans {
  /** Programs and files, by name or path. */
  missing: readonly string[];
  missingSandbox: readonly string[];
  /** Whether tools run in a sandbox: it may be installed, and yet not allowed to work. */
  isSandboxed: boolean;
}

/** In words for whoever looks after the machine. */
export function conversionFaults({ missing, missingSandbox, isSandboxed }: ConversionMeans): string[] {
  const faults: string[] = [];
  if (missing.length > 0)
    faults.push(`not everything can be converted: ${missing.join(', ')} missing; scripts/install-tools.sh installs it`);
  if (missingSandbox.length > 0)
    faults.push(`tools run without a sandbox: ${missingSandbox.join(', ')} missing; scripts/install-tools.sh installs it`);
  else if (!isSandboxed)
    faults.push(
      'tools run without a sandbox: bwrap may not make namespaces here, or was installed by scripts/install-tools.sh after the start',
    );
  return faults;
}
