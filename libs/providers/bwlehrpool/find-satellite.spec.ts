import { describe, expect, it } from '@jest/globals';
import { settingsOf } from './bwlehrpool.settings.js';
import { type SatelliteEntry } from './calls/structs.js';
import { findSatellite } from './find-satellite.js';

const pin = (digit: string): string => digit.repeat(64);
const entry = (addresses: string[], digit?: string): SatelliteEntry => ({
  displayName: 'Pool',
  addressList: addresses,
  ...(digit !== undefined && { certSha256: Buffer.from(pin(digit), 'hex') }),
});
const find = (location: string, known: SatelliteEntry[], specifics = {}) =>
  findSatellite(settingsOf({ id: 'e', software: 'bwlehrpool', location, username: 'a', password: 'b', specifics }), known);

describe('the satellite that an environment means', () => {
  it.each([
    ['at its port, of several at a host', 'pool:9191', [entry(['pool:9091'], 'a'), entry(['pool:9191'], 'b')], ['b']],
    ['at the usual port, where its address has none', 'pool', [entry(['pool:9191'], 'a'), entry(['pool'], 'b')], ['b']],
    ['at the usual port, where the environment says it', 'pool:9091', [entry(['POOL'], 'a'), entry(['pool:9191'], 'b')], ['a']],
    [
      'any at its host, where no port fits',
      'pool:9999',
      [entry(['pool'], 'a'), entry(['pool:1'], 'b'), entry(['x'], 'c')],
      ['a', 'b'],
    ],
    ['by any of its addresses', 'pool', [entry(['10.0.0.1', 'pool'], 'a')], ['a']],
    ['by an IPv6 address', '[fd00::1]:9191', [entry(['[fd00::1]'], 'a'), entry(['[FD00::1]:9191'], 'b')], ['b']],
    ['by an IPv6 address without brackets', '[fd00::1]', [entry(['fd00::1'], 'a')], ['a']],
    ['listed twice', 'pool', [entry(['pool'], 'a'), entry(['pool'], 'a')], ['a']],
    ['listed once without a certificate', 'pool', [entry(['pool']), entry(['pool'], 'b')], ['b']],
  ])('is the one %s', (_what, location, known, digits) => {
    expect(find(location, known).trust).toEqual({ sha256: digits.map(pin) });
  });

  it('has the certificate that the environment says, whatever the master says', () => {
    expect(find('pool', [entry(['pool'], 'a')], { certSha256: pin('f') }).trust).toEqual({ sha256: [pin('f')] });
  });

  it.each([[undefined], [Buffer.from('abcd')]])('is not believed to be there without a whole fingerprint: %s', (certSha256) => {
    const known = [{ addressList: ['pool'], ...(certSha256 && { certSha256 }) }];
    expect(() => find('pool', known)).toThrow(
      expect.objectContaining({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringMatching(/knows the satellite, but tells no SHA-256/),
      }),
    );
  });

  it('is not known where only others are', () => {
    expect(() => find('pool', [entry(['other'], 'a')])).toThrow(/knows no such satellite of yours, but Pool \(other\)/);
  });

  it('needs no certificate without TLS', () => {
    expect(find('pool:9090', [], { insecure: true }).trust).toEqual({ sha256: [] });
  });
});
