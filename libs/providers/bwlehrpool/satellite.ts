import { type OnReadOpts, type Socket } from 'node:net';
import { ViceError } from '#libs/errors';
import { type EgressPolicy } from '../egress-policy.js';
import { type Settings } from './bwlehrpool.settings.js';
import { Satellite as Calls } from './calls/methods.js';
import { dial } from './dial.js';
import { callError, isExpiredLogin } from './errors/call-errors.js';
import { hostAndPort } from './find-satellite.js';
import { logIn, type Login } from './login.js';
import { type Method } from './thrift/method.js';
import { CallDropped, ThriftConnection } from './thrift/thrift.connection.js';
import { isTlsPort } from './transfer/transfer-port.js';

const GOODBYE_MS = 2_000;

/** The arguments of a call to a satellite, without the token that goes with all of them. */
type ArgumentsOf<Args> = Omit<Args, 'userToken'>;

/** One user's dealings with one satellite. The login is made when it is first needed, and anew when it was lost. */
export class Satellite implements AsyncDisposable {
  private login: Promise<Login> | null = null;
  private readonly tlsPorts = new Set<number>();

  constructor(
    readonly settings: () => Settings,
    private readonly egress: EgressPolicy,
    readonly signal: AbortSignal,
  ) {}

  /** Who we are there, and how the satellite is set up. Survives one call that gets lost. */
  async whoWeAre(): Promise<Login> {
    return this.attempt('log in', (login) => Promise.resolve(login), true);
  }

  /**
   * Makes a call, and once more after a new login where the former had expired, or where the call got lost and may be repeated.
   * `doing` says for messages what it is for: "list the images".
   */
  call<Args extends object, Result>(method: Method<Args, Result>, args: ArgumentsOf<Args>, doing: string): Promise<Result> {
    return this.attempt(
      doing,
      ({ connection, token }) => connection.call(method, { ...args, userToken: token } as Args),
      method.repeatable,
    );
  }

  /** A connection for a transfer: to the satellite's own host, trusted as the satellite is. */
  async dial(port: number, onread: OnReadOpts): Promise<Socket> {
    const { satellite } = await this.whoWeAre();
    const name = `the file transfer of the satellite at ${hostAndPort({ host: satellite.host, port })}`;
    try {
      return await dial(this.egress, { ...satellite, port, name, tls: isTlsPort(port, satellite) }, this.signal, onread);
    } catch (error) {
      this.throwIfStopped();
      throw error;
    }
  }

  /** How the satellite is called in messages. */
  get name(): string {
    return `the satellite at ${hostAndPort(this.settings().satellite)}`;
  }

  /**
   * Gives permits to download back and ends the login, as far as that is possible in a moment: also where everything else had to stop, over a connection of its
   * own. Only where the time of a request is over there is none left for it.
   */
  async leave(downloadTokens: readonly string[]): Promise<void> {
    const login = await this.login?.catch(() => null);
    if (!login) return;
    if (!isOutOfTime(this.signal)) await this.sayGoodbye(login, downloadTokens).catch(() => undefined);
    login.connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave([]);
  }

  private async sayGoodbye(login: Login, downloadTokens: readonly string[]): Promise<void> {
    const signal = AbortSignal.timeout(GOODBYE_MS);
    const connection = login.connection.usable
      ? login.connection
      : new ThriftConnection(await dial(this.egress, login.satellite, signal), signal);
    try {
      const returned = downloadTokens.map((downloadToken) =>
        connection.call(Calls.cancelDownload, { downloadToken }, GOODBYE_MS),
      );
      await Promise.allSettled(returned);
      await connection.call(Calls.invalidateSession, { userToken: login.token }, GOODBYE_MS);
    } finally {
      connection.close();
    }
  }

  private async attempt<T>(doing: string, work: (login: Login) => Promise<T>, repeatable: boolean): Promise<T> {
    try {
      return await this.once(work);
    } catch (error) {
      this.throwIfStopped();
      // A login that was lost in the making has done nothing, whatever was to follow it.
      const again = isExpiredLogin(error) || (error instanceof CallDropped && (repeatable || this.login === null));
      if (!again) throw callError(error, this.name, doing);
      await this.hangUp();
    }
    try {
      return await this.once(work);
    } catch (error) {
      this.throwIfStopped();
      if (error instanceof CallDropped) await this.hangUp();
      throw callError(error, this.name, doing);
    }
  }

  /** That the time for a request is over is told in words, as it may reach a user. */
  private throwIfStopped(): void {
    if (isOutOfTime(this.signal))
      throw new ViceError('ENVIRONMENT_UNREACHABLE', `${this.name} did not answer in time`, { cause: this.signal.reason });
    this.signal.throwIfAborted();
  }

  private async once<T>(work: (login: Login) => Promise<T>): Promise<T> {
    return work(await this.loggedIn());
  }

  private async loggedIn(): Promise<Login> {
    const former = await this.login?.catch(() => null);
    if (former?.connection.usable) return former;
    const login = (this.login = logIn(this.settings(), this.egress, this.signal, this.tlsPorts));
    login.catch(() => {
      if (this.login === login) this.login = null;
    });
    return login;
  }

  private async hangUp(): Promise<void> {
    const login = await this.login?.catch(() => null);
    login?.connection.close();
    this.login = null;
  }
}

/** Jobs are stopped for reasons of ours, requests by the clock. */
const isOutOfTime = ({ aborted, reason }: AbortSignal): boolean => aborted && reason instanceof DOMException;
