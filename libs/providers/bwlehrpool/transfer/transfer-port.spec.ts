import { describe, expect, it } from '@jest/globals';
import { type Server } from '../dial.js';
import { isTlsPort, portOf } from './transfer-port.js';

const server = (tls: boolean, isPinned = true): Server => ({
  host: 'pool',
  port: tls ? 9091 : 9090,
  tls,
  name: 'the satellite',
  trust: { sha256: isPinned ? ['0'.repeat(64)] : [] },
  tlsPorts: new Set(),
});

describe('the port of a transfer', () => {
  it.each([
    ['over TLS where the calls are', server(true), { plainPort: 1, sslPort: 2 }, 2, true],
    ['plain where the calls are', server(false), { plainPort: 1, sslPort: 2 }, 1, false],
    ['over TLS where there is no other, and the certificate is known', server(false), { plainPort: 0, sslPort: 2 }, 2, true],
    ['over TLS where no other is told', server(false), { sslPort: 2 }, 2, true],
  ])('is the one %s', (_where, satellite, information, port, tls) => {
    expect(portOf(information, satellite)).toBe(port);
    expect(isTlsPort(port, satellite)).toBe(tls);
  });

  it.each([
    ['over TLS without a known certificate', server(false, false), { plainPort: 0, sslPort: 2 }, /over TLS only/],
    ['plain where the calls are over TLS', server(true), { plainPort: 1, sslPort: 0 }, /no file transfers over TLS/],
  ])('is none %s', (_where, satellite, information, message) => {
    expect(() => portOf(information, satellite)).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_MISCONFIGURED', message: expect.stringMatching(message) }),
    );
  });

  it('that a former attempt noted is over TLS where it usually is', () => {
    expect(isTlsPort(9093, server(false))).toBe(true);
    expect(isTlsPort(9093, server(false, false))).toBe(false);
    expect(isTlsPort(9092, server(false))).toBe(false);
  });
});
