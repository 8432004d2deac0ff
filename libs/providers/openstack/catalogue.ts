import { ViceError } from '#libs/errors';
import { type CloudSettings } from './cloud-settings.js';

/** The catalogue that comes with a token of Keystone v3. */
export type Catalogue = readonly { type: string; endpoints: readonly Endpoint[] }[];

export interface Endpoint {
  interface: string;
  region?: string | null;
  region_id?: string | null;
  url: string;
}

/** The services that we speak to, in the words of the catalogue. */
export type ServiceType = 'image' | 'compute' | 'network';

/** Where a service is in this region, by this interface; null: the catalogue has no such service. Raises ENVIRONMENT_MISCONFIGURED. */
export function endpointOf(
  catalogue: Catalogue,
  service: ServiceType,
  { region, interface: wanted }: Pick<CloudSettings, 'region' | 'interface'>,
): URL | null {
  const all = catalogue.filter(({ type }) => type === service).flatMap(({ endpoints }) => endpoints);
  if (all.length === 0) return null;
  const regions = regionsOf(all);
  const here = region === null ? all : all.filter((endpoint) => regionOf(endpoint)?.toLowerCase() === region.toLowerCase());
  if (here.length === 0) {
    throw misconfigured(
      `the cloud has no ${service} service in the region "${region}" (credentials.specifics.region); its regions are ${listed(regions)}`,
    );
  }
  if (region === null && regions.length > 1)
    throw misconfigured(`the cloud has several regions: name one of ${listed(regions)} as credentials.specifics.region`);
  const found = here.find((endpoint) => interfaceOf(endpoint) === wanted);
  if (!found) {
    const offered = listed([...new Set(here.map(interfaceOf))]);
    throw misconfigured(
      `the ${service} service has no ${wanted} endpoint (credentials.specifics.interface); it has ${offered} ones`,
    );
  }
  if (!URL.canParse(found.url) || !['http:', 'https:'].includes(new URL(found.url).protocol))
    throw misconfigured(`the cloud's catalogue has no usable address of the ${service} service: "${found.url}"`);
  return new URL(found.url);
}

const regionOf = ({ region, region_id: id }: Endpoint) => region ?? id ?? null;
const interfaceOf = (endpoint: Endpoint) => endpoint.interface.toLowerCase().replace(/url$/, '');
const regionsOf = (endpoints: readonly Endpoint[]) =>
  [...new Set(endpoints.map(regionOf).filter((name) => name !== null))].sort();
const listed = (names: readonly string[]) => names.join(', ') || 'none';
const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
