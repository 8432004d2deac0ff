import { type EnvironmentEntity } from '../database/index.js';

type Described = Pick<EnvironmentEntity, 'managementlayer' | 'runtimetechnology'>;

/** Whether an environment is one that was asked for: a filter is the software or the type, without regard to case; absent ones let all through. */
export function passes(environment: Described, filters: { managementlayer?: string; runtimetechnology?: string }): boolean {
  return (
    names(environment.managementlayer, filters.managementlayer) && names(environment.runtimetechnology, filters.runtimetechnology)
  );
}

function names(layer: { type?: string | null; software?: string | null } | null, filter: string | undefined | null): boolean {
  if (!filter) return true;
  const wanted = filter.toLowerCase();
  return layer?.software?.toLowerCase() === wanted || layer?.type?.toLowerCase() === wanted;
}
