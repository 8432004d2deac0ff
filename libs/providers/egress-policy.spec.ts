import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { EgressPolicy } from './egress-policy.js';

const policy = new EgressPolicy(['169.254.0.0/16', 'fe80::/10', '10.0.0.0/8']);
const never = new AbortController().signal;

describe('egress policy', () => {
  it.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    '10.255.0.1',
  ])('denies %s', (address) => {
    expect(() => policy.check(address)).toThrow(expect.objectContaining({ code: 'LOCATION_DENIED' }));
  });

  it.each(['169.253.1.1', '::1', '127.0.0.1', '2001:db8::1', '64:ff9b::808:808', 'fe00::1'])('allows %s', (address) => {
    expect(() => policy.check(address)).not.toThrow();
  });

  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '::ffff:127.0.0.1'])(
    'goes by the address really connected to: %s',
    async (host) => {
      const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const loopback = new EgressPolicy(['127.0.0.0/8', '::1/128']);
      try {
        await expect(loopback.connect(host, (server.address() as AddressInfo).port, never)).rejects.toMatchObject({
          code: 'LOCATION_DENIED',
        });
      } finally {
        server.close();
      }
    },
  );

  it('connects where nothing is denied, and names the system error where it cannot', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = await policy.connect('127.0.0.1', port, never);
    socket.destroy();
    await new Promise((closed) => server.close(closed));
    await expect(policy.connect('127.0.0.1', port, never)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
