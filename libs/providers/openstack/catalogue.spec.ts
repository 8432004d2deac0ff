import { describe, expect, it } from '@jest/globals';
import { endpointOf, type Catalogue } from './catalogue.js';

const at = (region: string, kind: string, url: string) => ({ region, interface: kind, url });
const CATALOGUE: Catalogue = [
  { type: 'identity', endpoints: [at('North', 'public', 'https://id')] },
  {
    type: 'image',
    endpoints: [
      at('North', 'public', 'https://images.north/'),
      at('North', 'internal', 'http://10.0.0.1:9292'),
      at('South', 'publicURL', 'https://images.south/v2'),
    ],
  },
  { type: 'compute', endpoints: [at('North', 'public', 'https://compute/v2.1')] },
];

describe('the endpoint of a service', () => {
  it.each([
    ['image', 'North', 'public', 'https://images.north/'],
    ['image', 'north', 'internal', 'http://10.0.0.1:9292/'],
    ['image', 'South', 'public', 'https://images.south/v2'],
    ['compute', null, 'public', 'https://compute/v2.1'],
  ] as const)('%s in %s, %s', (service, region, kind, url) => {
    expect(endpointOf(CATALOGUE, service, { region, interface: kind })?.href).toBe(url);
  });

  it('is null where the catalogue has no such service', () => {
    expect(endpointOf(CATALOGUE, 'network', { region: 'North', interface: 'public' })).toBeNull();
  });

  it.each([
    ['an unknown region', 'West', 'public', /region "West".*North, South/],
    ['no region where there are several', null, 'public', /several regions.*North, South/],
    ['an interface that the region lacks', 'South', 'admin', /no admin endpoint.*public/],
  ] as const)('is refused for %s', (_, region, kind, message) => {
    expect(() => endpointOf(CATALOGUE, 'image', { region, interface: kind })).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_MISCONFIGURED', message: expect.stringMatching(message) }),
    );
  });
});
