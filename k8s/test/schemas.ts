import { join } from 'node:path';
import ts from 'typescript';
import { projectRoot } from '#libs/testing';
import { type Manifest } from './kustomize.js';

/** Modules whose class has the schema of a kind, as the API server has it. */
const MODELS: Readonly<Record<string, string>> = {
  'v1/Namespace': 'kubernetes-models/v1/Namespace',
  'v1/ConfigMap': 'kubernetes-models/v1/ConfigMap',
  'v1/Secret': 'kubernetes-models/v1/Secret',
  'v1/Service': 'kubernetes-models/v1/Service',
  'v1/ServiceAccount': 'kubernetes-models/v1/ServiceAccount',
  'v1/PersistentVolumeClaim': 'kubernetes-models/v1/PersistentVolumeClaim',
  'apps/v1/Deployment': 'kubernetes-models/apps/v1/Deployment',
  'apps/v1/StatefulSet': 'kubernetes-models/apps/v1/StatefulSet',
  'batch/v1/Job': 'kubernetes-models/batch/v1/Job',
  'policy/v1/PodDisruptionBudget': 'kubernetes-models/policy/v1/PodDisruptionBudget',
  'autoscaling/v2/HorizontalPodAutoscaler': 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler',
  'networking.k8s.io/v1/NetworkPolicy': 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy',
  'networking.k8s.io/v1/Ingress': 'kubernetes-models/networking.k8s.io/v1/Ingress',
  'keda.sh/v1alpha1/ScaledObject': '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject',
  'keda.sh/v1alpha1/TriggerAuthentication': '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication',
};

/** Kinds whose schema is in custom-resources.ts. */
const OWN = [
  'rabbitmq.com/v1beta1/RabbitmqCluster',
  'monitoring.coreos.com/v1/PodMonitor',
  'monitoring.coreos.com/v1/PrometheusRule',
];

const typeOf = ({ apiVersion, kind }: Manifest): string => `${apiVersion}/${kind}`;
const nameOf = (manifest: Manifest): string => `${manifest.kind} ${manifest.metadata.name}`;

/** What the schemas say against the objects: wrong types and formats, missing fields, and kinds of which there is no schema. */
export async function schemaFaults(manifests: readonly Manifest[]): Promise<string[]> {
  const faults: string[] = [];
  for (const manifest of manifests) {
    const path = MODELS[typeOf(manifest)];
    if (path) {
      const module = (await import(path)) as Record<string, new (data: Manifest) => { validate(): void }>;
      try {
        new module[manifest.kind]!(manifest).validate();
      } catch (error) {
        faults.push(`${nameOf(manifest)}: ${(error as Error).message}`);
      }
    } else if (!OWN.includes(typeOf(manifest))) faults.push(`${nameOf(manifest)}: there is no schema of ${typeOf(manifest)}`);
  }
  return faults;
}

/**
 * Fields that the schemas do not know, which their validation lets pass: a misspelled one would do nothing. Found by the compiler, which refuses
 * them in a literal of the type that belongs to the schema.
 */
export function unknownFields(manifests: readonly Manifest[]): string[] {
  const file = join(projectRoot, 'k8s/test/applied-objects.ts');
  const imports = [...new Set(manifests.map(typeOf))].map((type, i) => {
    const kind = type.split('/').at(-1)!;
    const [name, path] = MODELS[type] ? [`I${kind}`, MODELS[type]] : [kind, './custom-resources.js'];
    return { type, alias: `T${i}`, text: `import { type ${name} as T${i} } from '${path}';` };
  });
  const aliases = new Map(imports.map(({ type, alias }) => [type, alias]));
  const lines = manifests.map(
    (manifest, i) => `export const o${i}: ${aliases.get(typeOf(manifest))} = ${JSON.stringify(manifest)};`,
  );
  const text = [...imports.map(({ text }) => text), ...lines].join('\n');
  return compile(file, text).map(({ line, message }) => `${nameOf(manifests[line - imports.length]!)}: ${message}`);
}

function compile(file: string, text: string): { line: number; message: string }[] {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.readFile = (name) => (name === file ? text : readFile.call(host, name));
  host.getSourceFile = (name, version, ...more) =>
    name === file ? ts.createSourceFile(name, text, version) : getSourceFile.call(host, name, version, ...more);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file)!;
  return ts.getPreEmitDiagnostics(program, source).map(({ start, messageText }) => ({
    line: source.getLineAndCharacterOfPosition(start ?? 0).line,
    message: ts.flattenDiagnosticMessageText(messageText, ' '),
  }));
}
