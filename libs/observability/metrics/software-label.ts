import { SOFTWARE, softwareName } from '#libs/contracts';

/** `managementlayer.software`, which is free text, as one of few labels. */
export function softwareLabel(software: string | null): string {
  const name = softwareName(software);
  if (name === '') return 'none';
  return Object.hasOwn(SOFTWARE, name) ? name : 'other';
}
