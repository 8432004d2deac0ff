import { availableToolsets, bestConfinement, missingSandbox } from '#libs/image-formats';
import { Degraded } from '#libs/observability';
import { conversionFaults, type ConversionMeans } from './conversion-faults.js';

/** What there is to be said of how this machine converts; nothing where all is well. */
export async function toolFaults(): Promise<string[]> {
  return conversionFaults(await means());
}

/** Raises Degraded with what conversions lack here: tools, or the sandbox. */
export async function checkTools(): Promise<void> {
  const faults = await toolFaults();
  if (faults.length > 0) throw new Degraded(faults.join('; '));
}

async function means(): Promise<ConversionMeans> {
  const [toolsets, withoutSandbox, { name }] = await Promise.all([availableToolsets(), missingSandbox(), bestConfinement()]);
  return {
    missing: [...new Set(toolsets.flatMap(({ missing }) => missing))],
    missingSandbox: withoutSandbox,
    isSandboxed: name !== 'bare',
  };
}
