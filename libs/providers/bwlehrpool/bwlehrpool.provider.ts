import { SOFTWARE } from '#libs/contracts';
import { type EgressPolicy } from '../egress-policy.js';
import { type EnvironmentAccess, type EnvironmentProvider } from '../environment-provider.js';
import { BwlehrpoolSession } from './bwlehrpool.session.js';
import { settingsOf, type Settings } from './bwlehrpool.settings.js';
import { Satellite } from './satellite.js';

/** Satellites of bwLehrpool, by their own protocol: calls over Thrift, files block by block. */
export class BwlehrpoolProvider implements EnvironmentProvider {
  readonly software = 'bwlehrpool';
  readonly accepts = SOFTWARE['bwlehrpool']!.accepts;

  constructor(private readonly egress: EgressPolicy) {}

  /** Nothing is asked of the satellite yet, and what is wrong with the settings is said when something is. */
  async connect(environment: EnvironmentAccess, signal: AbortSignal): Promise<BwlehrpoolSession> {
    let settings: Settings | undefined;
    return new BwlehrpoolSession(new Satellite(() => (settings ??= settingsOf(environment)), this.egress, signal));
  }
}
