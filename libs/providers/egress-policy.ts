import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, connect, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net';
import { ViceError } from '#libs/errors';

const CONNECT_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;

/**
 * Which addresses this server never connects to on behalf of a user. What counts is the address really connected to, whatever the
 * location called it: a name, `0x7f.1`, an IPv4 address within an IPv6 one.
 */
export class EgressPolicy {
  private readonly denied = new BlockList();

  /** @param cidrs such as `169.254.0.0/16`, `fe80::/10` */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address = '', bits = ''] = cidr.split('/');
      this.denied.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
    }
  }

  /** Raises LOCATION_DENIED. */
  check(address: string, host = address): void {
    const plain = address.replace(/%.*$/, '');
    const denied = isIP(plain) === 4 ? this.denied.check(plain) : isIP(plain) === 6 && this.deniesV6(plain);
    if (!denied) return;
    const also = host === address ? '' : ` (${address})`;
    throw new ViceError(
      'LOCATION_DENIED',
      `this server does not connect to ${host}${also}: its operator has closed that address`,
    );
  }

  /** For `net.connect` and all that is built on it: looks a name up, and refuses it when any of its addresses is denied. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, '', 0);
      try {
        for (const { address } of found) this.check(address, host);
      } catch (denied) {
        return callback(denied as NodeJS.ErrnoException, '', 0);
      }
      if (options.all) return callback(null, found);
      callback(null, found[0]!.address, found[0]!.family);
    });
  };

  /**
   * A TCP connection, made within ten seconds. Raises LOCATION_DENIED, or the error of the system.
   * @param open makes the socket, which begins to connect: `net.connect`, or what is built on it
   */
  async connect<Made extends Socket = Socket>(
    host: string,
    port: number,
    signal: AbortSignal,
    open: (options: TcpNetConnectOpts) => Made = connect as unknown as (options: TcpNetConnectOpts) => Made,
  ): Promise<Made> {
    signal.throwIfAborted();
    this.check(host);
    const socket = open({ host, port, lookup: this.lookup });
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    const denied: unknown[] = [];
    // Before anything else hears of the connection: TLS would say the first thing at once.
    socket.prependOnceListener('connect', () => {
      try {
        this.check(socket.remoteAddress ?? '', host);
      } catch (error) {
        denied.push(error);
        socket.destroy();
      }
    });
    await connected(socket, signal);
    if (denied.length > 0) throw denied[0];
    return socket;
  }

  private deniesV6(address: string): boolean {
    if (this.denied.check(address, 'ipv6')) return true;
    const embedded = translatedV4(address);
    return embedded !== null && this.denied.check(embedded);
  }
}

/** Waits until the socket is connected, ten seconds at most; then its errors are its user's. */
export function connected(socket: Socket, signal: AbortSignal, event: 'connect' | 'secureConnect' = 'connect'): Promise<void> {
  return new Promise((done, fail) => {
    const late = () =>
      socket.destroy(Object.assign(new Error(`no connection within ${CONNECT_MS / 1000} s`), { code: 'ETIMEDOUT' }));
    const timer = setTimeout(late, CONNECT_MS);
    const stop = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    const settle = (outcome: () => void) => () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      outcome();
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', (error) => settle(() => fail(error))());
    socket.once(event, settle(done));
  });
}

/** The IPv4 address that a NAT64 gateway (`64:ff9b::/96`) takes an IPv6 address for. */
function translatedV4(address: string): string | null {
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const groups = /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(text);
  if (!groups) return null;
  const [high, low] = [parseInt(groups[1] ?? '0', 16), parseInt(groups[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
