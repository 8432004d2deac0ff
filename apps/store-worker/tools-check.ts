import { availableToolsets, bestConfinement } from '#libs/image-formats';
import { Degraded } from '#libs/observability';

/** Programs and files, by name or path, without which something cannot be converted on this machine. */
export async function missingTools(): Promise<string[]> {
  return [...new Set((await availableToolsets()).flatMap(({ missing }) => missing))];
}

/** Raises Degraded with what conversions lack here: tools, or the sandbox. */
export async function checkTools(): Promise<void> {
  const missing = await missingTools();
  if (missing.length > 0)
    throw new Degraded(`not everything can be converted: ${missing.join(', ')} missing; scripts/install-tools.sh installs it`);
  if ((await bestConfinement()).name === 'bare')
    throw new Degraded('tools run without a sandbox: bubblewrap is not installed, or may not make namespaces here');
}
