import { ViceError } from '#libs/errors';
import { type EgressPolicy } from '../egress-policy.js';
import { type Settings } from './bwlehrpool.settings.js';
import { Master, Satellite as Calls } from './calls/methods.js';
import { type SatelliteConfig, type UserInfo } from './calls/structs.js';
import { dial, type Server } from './dial.js';
import { callError } from './errors/call-errors.js';
import { findSatellite, hostAndPort } from './find-satellite.js';
import { CallDropped, ThriftConnection } from './thrift/thrift.connection.js';

/** The version of the calls that we speak, and the oldest that a satellite may speak. */
const VERSION = 5n;
const OLDEST_VERSION = 4n;

/** A login at a satellite, with the connection that it was made over. */
export interface Login {
  connection: ThriftConnection;
  /** Goes with every call to the satellite. */
  token: string;
  satellite: Server;
  me: UserInfo;
  canListImages: boolean;
  config: SatelliteConfig;
  version: bigint;
}

/** First the master, who knows the user and the satellites, then the satellite. Raises ViceErrors, and CallDropped where a call was lost. */
export async function logIn(
  settings: Settings,
  egress: EgressPolicy,
  signal: AbortSignal,
  tlsPorts: Set<number>,
): Promise<Login> {
  const { token, satellites, userInfo } = await askMaster(settings, egress, signal);
  const satellite = { ...findSatellite(settings, satellites), tlsPorts };
  const connection = new ThriftConnection(await dial(egress, satellite, signal), signal);
  try {
    const version = await connection.call(Calls.getVersion, { clientVersion: VERSION });
    if (version < OLDEST_VERSION)
      throw misconfigured(
        `${satellite.name} speaks version ${version} of bwLehrpool; ${OLDEST_VERSION} is the oldest that is known here`,
      );
    const { user, canListImages = true } = await connection.call(Calls.whoami, { userToken: token });
    const config = await connection.call(Calls.getConfiguration, {});
    // What the satellite leaves out of who it is, the master may say.
    return { connection, token, satellite, me: { ...userInfo, ...user }, canListImages, config, version };
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function askMaster({ master, masterAuthority, login }: Settings, egress: EgressPolicy, signal: AbortSignal) {
  const server: Server = {
    ...master,
    name: `the master server at ${hostAndPort(master)}`,
    trust: { authority: masterAuthority },
    tlsPorts: new Set(),
  };
  const connection = new ThriftConnection(await dial(egress, server, signal), signal);
  try {
    const {
      authToken,
      satellites = [],
      userInfo = {},
    } = 'accessCode' in login
      ? await connection.call(Master.getSessionFromAccessCode, login)
      : await connection.call(Master.localAccountLogin, { login: login.username, password: login.password });
    if (!authToken) throw new ViceError('CREDENTIALS_REFUSED', `${server.name} gave no login for satellites`);
    return { token: authToken, satellites, userInfo };
  } catch (error) {
    throw error instanceof CallDropped ? error : callError(error, server.name, 'log in');
  } finally {
    connection.close();
  }
}

const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
