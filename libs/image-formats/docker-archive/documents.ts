import { type Json, type JsonObject } from '#libs/contracts';
import { asObject, parseJson } from '../json.js';

/**
 * The JSON documents of an image archive, by the fields that engines know in them. All of them are read here: what an engine could read otherwise than we
 * do is refused.
 */
const FIELDS = {
  savedImage: ['Config', 'RepoTags', 'Layers', 'Parent', 'LayerSources'],
  imageConfig: [
    ...['id', 'parent', 'comment', 'created', 'container', 'container_config', 'docker_version', 'author', 'config'],
    ...['architecture', 'variant', 'os', 'os.version', 'os.features', 'Size', 'rootfs', 'history'],
  ],
  rootfs: ['type', 'diff_ids', 'base_layer'],
  containerConfig: [
    ...['Hostname', 'Domainname', 'User', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'ExposedPorts', 'Tty', 'OpenStdin'],
    ...['StdinOnce', 'Env', 'Cmd', 'Healthcheck', 'ArgsEscaped', 'Image', 'Volumes', 'WorkingDir', 'Entrypoint', 'Labels'],
    ...['NetworkDisabled', 'MacAddress', 'OnBuild', 'StopSignal', 'StopTimeout', 'Shell'],
  ],
  ociDocument: [
    ...['schemaVersion', 'mediaType', 'artifactType', 'manifests', 'config', 'layers', 'fsLayers', 'subject', 'annotations'],
  ],
  descriptor: ['mediaType', 'artifactType', 'digest', 'size', 'urls', 'annotations', 'data', 'platform'],
  platform: ['architecture', 'os', 'os.version', 'os.features', 'variant'],
} as const;

type Kind = keyof typeof FIELDS;

/** `what` names it in messages. Throws CONTENT_INVALID and CONTENT_REFUSED, as all in this file. */
export const parseDocument = (document: Buffer, what: string): Json => parseJson(document, what, { uniqueKeys: true });

/** An object of one of these documents, in which every field that engines know is spelt as they write it, and stands there once. */
export const readObject = (value: Json | undefined, kind: Kind, what: string): JsonObject => asObject(value, what, FIELDS[kind]);

/** The same, of an object that may also be absent or null. */
export const readOptional = (value: Json | undefined, kind: Kind, what: string): JsonObject | undefined =>
  value === undefined || value === null ? undefined : readObject(value, kind, what);

/** The same, with nothing but the fields that engines know. */
export function onlyKnown(value: Json | undefined, kind: Kind, what: string): JsonObject {
  const fields: readonly string[] = FIELDS[kind];
  return Object.fromEntries(Object.entries(readObject(value, kind, what)).filter(([key]) => fields.includes(key)));
}
