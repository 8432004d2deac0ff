import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { parseDocument, readObject } from '../../docker-archive/documents.js';
import { isObject } from '../../json.js';
import { invalid } from '../../refusal.js';
import { CONTAINER_RECORD_PATH, MAX_RECORD_BYTES, type ContainerRecord } from '../container-record.js';
import { architectureOf } from './architecture.js';
import { isTime, requireTypes } from './config-types.js';
import { type LinuxTree } from './linux-tree.js';
import { shellOf, USUAL_PATH } from './programs.js';

/** What its containers run, and how, without what is worked out of the layer. */
export type ContainerConfig = Omit<ContainerRecord, 'version'>;

/** What the image was that this disk was made of; undefined where it was made of none. A record that cannot be used is logged. */
export async function recordedConfig(tree: LinuxTree, log: (text: string) => void): Promise<ContainerConfig | undefined> {
  try {
    const bytes = await tree.readFile(CONTAINER_RECORD_PATH, MAX_RECORD_BYTES);
    return bytes && readRecord(bytes);
  } catch (error) {
    if (!(error instanceof ViceError) || error.transient) throw error;
    log(`/${CONTAINER_RECORD_PATH} cannot be used, so the container gets an ordinary configuration: ${error.message}`);
    return undefined;
  }
}

/** A shell, where there is one, with the usual PATH. */
export async function ordinaryConfig(tree: LinuxTree): Promise<ContainerConfig> {
  const shell = (await shellOf(tree)) ?? '/bin/sh';
  return { ...(await architectureOf(tree)), os: 'linux', config: { Env: [`PATH=${USUAL_PATH}`], Cmd: [shell] } };
}

function readRecord(bytes: Buffer): ContainerConfig {
  const document = parseDocument(bytes, 'the record');
  const { version, architecture, os, config, ...others } = isObject(document) ? document : ({} as JsonObject);
  if (version !== 1 || typeof architecture !== 'string' || os !== 'linux' || architecture === '')
    throw invalid('it is not of the first version, or does not say for which system the image is');
  const optional = (['variant', 'created', 'author'] as const).filter((key) => others[key] !== undefined);
  for (const key of optional) {
    const text = others[key];
    if (typeof text !== 'string') throw invalid(`${key} in it is not a string`);
    if (key === 'created' && !isTime(text)) throw invalid('created in it is not a time of RFC 3339');
  }
  const settings = readObject(config, 'containerConfig', 'config in the record');
  requireTypes(settings);
  return {
    ...{ architecture, os },
    ...Object.fromEntries(optional.map((key) => [key, others[key]])),
    config: settings,
  };
}
