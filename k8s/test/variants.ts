import { type Variant } from './kustomize.js';

const operator = ['rabbitmq-cluster-operator', 'keda', 'ingress', 'monitoring'];

/** Every overlay, every component, and those together that README.md puts together. */
export const VARIANTS: readonly Variant[] = [
  { name: 'a trial', overlay: 'embedded-services', components: [] },
  { name: 'a trial with all', overlay: 'embedded-services', components: ['keda', 'ingress', 'monitoring'] },
  { name: 'a trial scaled by the API', overlay: 'embedded-services', components: ['keda-metrics-api'] },
  { name: 'services of others', overlay: 'external', components: [] },
  { name: 'services of others, scaled by the broker', overlay: 'external', components: ['keda'] },
  { name: 'services of others, scaled by the API', overlay: 'external', components: ['keda-metrics-api', 'ingress'] },
  { name: "the operator's broker", overlay: 'external', components: operator },
  {
    name: 'services of others, a shared volume',
    overlay: 'external',
    components: [],
    change(kustomization) {
      kustomization.resources.push('blobs-claim.yaml');
      kustomization.components = kustomization.components.map((path) => path.replace('blobs-s3', 'blobs-volume'));
      kustomization.configMapGenerator = kustomization.configMapGenerator.filter(({ name }) => name !== 'vice-blob-store');
    },
  },
  {
    name: 'an image registry with a port',
    overlay: 'external',
    components: [],
    change(kustomization) {
      const release = kustomization.configMapGenerator.find(({ name }) => name === 'vice-release');
      release!.literals = ['image=registry.example.org:5000/team/vice-registry', 'tag=1.2.3'];
    },
  },
];
