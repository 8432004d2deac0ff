import { softwareName } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type Metrics } from '#libs/observability';
import { BwlehrpoolProvider } from './bwlehrpool/bwlehrpool.provider.js';
import { OperationCounter } from './counted-session.js';
import { DockerProvider } from './docker/docker.provider.js';
import { EgressPolicy } from './egress-policy.js';
import {
  type ConnectionPolicy,
  type EnvironmentAccess,
  type EnvironmentProvider,
  type EnvironmentSession,
} from './environment-provider.js';
import { observedSession } from './observed-session.js';
import { OpenStackProvider } from './openstack/openstack.provider.js';
import { OPERATIONS } from './session-operations.js';

/** Every kind of environment that this server can speak to: a row per provider. */
export class Providers {
  private readonly bySoftware: ReadonlyMap<string, EnvironmentProvider>;

  constructor(
    policy: ConnectionPolicy,
    private readonly metrics: Metrics,
  ) {
    const egress = new EgressPolicy(policy.egressDeny);
    const providers = [
      new DockerProvider(egress, policy.unixSockets),
      new OpenStackProvider(egress),
      new BwlehrpoolProvider(egress),
    ];
    this.bySoftware = new Map(providers.map((provider) => [provider.software, provider]));
    for (const software of this.bySoftware.keys()) metrics.providers.beginAtZero(software, ['connect', ...OPERATIONS]);
  }

  /** Raises NO_PROVIDER, and what the provider raises. */
  async connect(access: EnvironmentAccess, signal: AbortSignal): Promise<EnvironmentSession> {
    signal.throwIfAborted();
    const operations = new OperationCounter(this.metrics, access.software, signal);
    const provider = this.providerOf(access);
    const session = await operations.count('connect', async () => provider.connect(access, signal));
    return operations.session(observedSession(session, provider.software, access));
  }

  private providerOf({ software }: EnvironmentAccess): EnvironmentProvider {
    const provider = this.bySoftware.get(softwareName(software));
    if (provider) return provider;
    const known = `this server speaks to ${[...this.bySoftware.keys()].join(', ')}`;
    throw new ViceError(
      'NO_PROVIDER',
      software
        ? `there is no provider for managementlayer.software "${software}"; ${known}`
        : `the environment has no managementlayer.software, so there is no telling how to speak to it; ${known}`,
    );
  }
}
