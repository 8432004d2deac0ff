import { SOFTWARE } from '#libs/contracts';
import { type EgressPolicy } from '../egress-policy.js';
import { type EnvironmentAccess, type EnvironmentProvider } from '../environment-provider.js';
import { Cloud } from './cloud.js';
import { CloudHttp } from './cloud-http.js';
import { readSettings } from './cloud-settings.js';
import { Keystone } from './keystone.js';
import { useOurTransport } from './library-transport.js';
import { OpenStackSession } from './openstack.session.js';

/** Projects of OpenStack clouds, by Keystone v3 and Glance v2. */
export class OpenStackProvider implements EnvironmentProvider {
  readonly software = 'openstack';
  readonly accepts = SOFTWARE['openstack']!.accepts;

  constructor(private readonly egress: EgressPolicy) {
    useOurTransport();
  }

  async connect(environment: EnvironmentAccess, signal: AbortSignal): Promise<OpenStackSession> {
    const settings = readSettings(environment);
    const http = new CloudHttp(this.egress, settings, signal);
    return new OpenStackSession(new Cloud(http, new Keystone(http, settings), settings));
  }
}
