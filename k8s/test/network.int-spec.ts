import { expect, test } from '@jest/globals';
import { selects, type Cluster, type Pod } from './cluster.js';
import { describeInstallations } from './installations.js';
import { type Manifest } from './kustomize.js';

type Direction = 'Ingress' | 'Egress';

const DENIED_TO_ALL = ['169.254.0.0/16', '100.100.100.200/32'];

/** Rules of all policies that hold for a pod in one direction; null where nothing restricts it. */
function rulesFor(cluster: Cluster, pod: Pod, direction: Direction): Manifest[] | null {
  const policies = cluster
    .all('NetworkPolicy')
    .filter(({ spec }) => spec.policyTypes.includes(direction) && selects(spec.podSelector, pod.labels));
  if (policies.length === 0) return null;
  return policies.flatMap(({ spec }) => spec[direction.toLowerCase()] ?? []);
}

/** The number of a port that a rule names, as the pod numbers it. */
function numberOf(port: string | number, pod: Pod): number | undefined {
  if (typeof port === 'number') return port;
  const ports: Manifest[] = pod.spec['containers'].flatMap(({ ports = [] }: Manifest) => ports);
  return ports.find(({ name }) => name === port)?.['containerPort'];
}

const peers = (rule: Manifest, direction: Direction): Manifest[] => rule[direction === 'Ingress' ? 'from' : 'to'] ?? [];

/** Whether one pod may open a connection to another: both its own side and the other's must let it. */
function mayReach(cluster: Cluster, from: Pod, to: Pod, port: number): boolean {
  const allows = (direction: Direction, subject: Pod, other: Pod) =>
    rulesFor(cluster, subject, direction)!.some(
      (rule) =>
        peers(rule, direction).some(
          ({ podSelector, namespaceSelector }) => podSelector && !namespaceSelector && selects(podSelector, other.labels),
        ) && rule['ports'].some((entry: Manifest) => numberOf(entry['port'], to) === port),
    );
  return allows('Egress', from, to) && allows('Ingress', to, from);
}

/** Addresses outside that a pod may reach at any port: each with what is left out. */
function openTo(cluster: Cluster, pod: Pod): Manifest[] {
  const rules = rulesFor(cluster, pod, 'Egress') ?? [];
  return rules.filter(({ ports }) => !ports).flatMap((rule) => peers(rule, 'Egress').map(({ ipBlock }) => ipBlock));
}

/** A pod as the operator makes it. */
function brokerOfOperator(cluster: Cluster): Pod | undefined {
  return cluster
    .all('RabbitmqCluster')
    .map(({ kind, metadata: { name } }) => ({
      ...{ kind, name, owner: `${kind} ${name}`, labels: { 'app.kubernetes.io/name': name } },
      spec: { containers: [] } as unknown as Manifest,
    }))
    .at(0);
}

await describeInstallations('the network', (get) => {
  const pod = (name: string) => get().pods.find((found) => found.name === name)!;

  test('is closed for every pod, in both directions, but for what a policy opens', () => {
    for (const found of get().pods) {
      for (const direction of ['Ingress', 'Egress'] as const) expect(rulesFor(get(), found, direction)).not.toBeNull();
    }
    const all = get().named('NetworkPolicy', 'nothing-by-default')!;
    expect(all['spec']).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  });

  test('lets every pod ask for names', () => {
    for (const found of get().pods) {
      const names = rulesFor(get(), found, 'Egress')!.filter(({ ports }) => ports?.some(({ port }: Manifest) => port === 53));
      expect([found.name, names.length]).toEqual([found.name, 1]);
    }
  });

  test('opens the broker to the five services, and the database to the registry and its migrations alone', () => {
    const services = [...get().services.values()].map((found) => found.pod);
    const migrate = get().pods.find(({ kind }) => kind === 'Job')!;
    const broker = pod('vice-rabbitmq') ?? brokerOfOperator(get());
    if (broker) {
      for (const service of services) expect(mayReach(get(), service, broker, 5672)).toBe(true);
      expect(mayReach(get(), migrate, broker, 5672)).toBe(false);
      for (const service of services) expect(mayReach(get(), service, broker, 15672)).toBe(false);
    }
    if (pod('vice-postgres')) {
      const reaching = get().pods.filter((found) => mayReach(get(), found, pod('vice-postgres'), 5432));
      expect(reaching.map(({ name }) => name).sort()).toEqual([migrate.name, 'registry'].sort());
    }
    const ports = (found: Pod) =>
      rulesFor(get(), found, 'Egress')!.flatMap((rule) => (rule['ports'] ?? []).map(({ port }: Manifest) => port));
    for (const found of get().pods) {
      const reachesDatabase = ports(found).some((port) => port === 5432 || port === 'postgres');
      expect([found.name, reachesDatabase]).toEqual([
        found.name,
        found === migrate || found.name === 'registry' || found.name === migrate.name,
      ]);
    }
  });

  test('opens environments to import and export workers alone, without what lies inside the cluster and what clouds tell their machines', () => {
    const open = get().pods.filter((found) => openTo(get(), found).length > 0);
    expect(open.map(({ name }) => name).sort()).toEqual(['export-worker', 'import-worker']);
    for (const { env } of get().services.values()) {
      const denied = String(env['VICE_EGRESS_DENY']).split(',');
      expect(denied).toEqual(expect.arrayContaining(DENIED_TO_ALL));
      const except = openTo(get(), pod('import-worker')).flatMap(({ except }) => except);
      expect([...except].sort()).toEqual([...denied].sort());
    }
  });

  test('shows nobody the addresses at which clouds tell their machines secrets', () => {
    for (const { metadata, spec } of get().all('NetworkPolicy')) {
      const blocks: Manifest[] = (spec.egress ?? []).flatMap((rule: Manifest) =>
        peers(rule, 'Egress').flatMap(({ ipBlock }) => ipBlock ?? []),
      );
      for (const { cidr, except } of blocks.filter(({ cidr }) => cidr === '0.0.0.0/0')) {
        expect([metadata.name, cidr, except]).toEqual([metadata.name, cidr, expect.arrayContaining(DENIED_TO_ALL)]);
      }
    }
  });

  test('lets others into the gateway by its port only, and into no other pod but to scrape it', () => {
    for (const { metadata, spec } of get().all('NetworkPolicy')) {
      const fromOutside = (spec.ingress ?? []).filter((rule: Manifest) =>
        peers(rule, 'Ingress').some(({ namespaceSelector }) => namespaceSelector),
      );
      for (const rule of fromOutside) {
        const targets = get().pods.filter(({ labels }) => selects(spec.podSelector, labels));
        const isScraping = metadata.name.startsWith('monitoring-');
        const isScaling = metadata.name === 'keda-to-broker';
        if (!isScraping && !isScaling) expect(targets.map(({ name }) => name)).toEqual(['gateway']);
        const ports = rule.ports.map(({ port }: Manifest) => port);
        expect(ports).toEqual([isScaling ? 15672 : metadata.name === 'monitoring-to-broker' ? 15692 : 'http']);
      }
    }
  });

  test('has no policy for labels that no pod carries', () => {
    const ofOperator = { 'app.kubernetes.io/name': 'vice-rabbitmq' };
    const labels = [...get().pods.map((found) => found.labels), ofOperator];
    for (const { metadata, spec } of get().all('NetworkPolicy')) {
      const selectors = [
        spec.podSelector,
        ...[...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap((rule: Manifest) =>
          [...(rule['from'] ?? []), ...(rule['to'] ?? [])].flatMap(({ podSelector }: Manifest) => podSelector ?? []),
        ),
      ];
      for (const selector of selectors)
        expect([metadata.name, labels.some((set) => selects(selector, set))]).toEqual([metadata.name, true]);
    }
  });
});
