import { type Manifest } from './kustomize.js';

export type Labels = Record<string, string>;

interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** A pod as one of the objects makes it. */
export interface Pod {
  /** `Deployment gateway` */
  owner: string;
  kind: string;
  name: string;
  labels: Labels;
  spec: Manifest;
}

export interface Container {
  pod: Pod;
  /** Environment variables with their values; those that come from a Secret are `{ secret, key }`. */
  env: Record<string, string | { secret: string; key: string }>;
  spec: Manifest;
}

/** The objects of one installation, as they find each other by names and labels. */
export class Cluster {
  constructor(readonly manifests: readonly Manifest[]) {}

  all(kind: string): Manifest[] {
    return this.manifests.filter((manifest) => manifest.kind === kind);
  }

  named(kind: string, name: string): Manifest | undefined {
    return this.all(kind).find(({ metadata }) => metadata.name === name);
  }

  get pods(): Pod[] {
    return ['Deployment', 'StatefulSet', 'Job'].flatMap((kind) =>
      this.all(kind).map(({ metadata, spec }) => ({
        ...{ owner: `${kind} ${metadata.name}`, kind, name: metadata.name },
        labels: spec.template.metadata.labels as Labels,
        spec: spec.template.spec as Manifest,
      })),
    );
  }

  get containers(): Container[] {
    return this.pods.flatMap((pod) =>
      [...(pod.spec['initContainers'] ?? []), ...pod.spec['containers']].map((spec: Manifest) => ({
        ...{ pod, spec },
        env: this.environmentOf(spec),
      })),
    );
  }

  /** Our own services' containers, by the name of the service. */
  get services(): Map<string, Container> {
    return new Map(this.containers.filter(({ spec }) => spec['name'] === 'vice').map((found) => [found.pod.name, found]));
  }

  private valueFrom({ configMapKeyRef, secretKeyRef }: Manifest): string | { secret: string; key: string } {
    if (secretKeyRef) return { secret: secretKeyRef.name, key: secretKeyRef.key };
    const config = this.named('ConfigMap', configMapKeyRef.name);
    if (!config) throw new Error(`there is no ConfigMap ${configMapKeyRef.name}`);
    return config['data'][configMapKeyRef.key];
  }

  private environmentOf(container: Manifest): Container['env'] {
    const settings = (container['envFrom'] ?? []).map(
      (from: Manifest) => this.named('ConfigMap', from['configMapRef'].name)?.['data'],
    );
    const own = (container['env'] ?? []).map(({ name, value, valueFrom }: Manifest) => [
      name,
      valueFrom ? this.valueFrom(valueFrom) : value,
    ]);
    return Object.assign({}, ...settings, Object.fromEntries(own));
  }
}

/** Whether a selector takes what carries these labels. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return equal && matchExpressions.every(({ key, operator, values }) => operator === 'In' && values!.includes(labels[key] ?? ''));
}
