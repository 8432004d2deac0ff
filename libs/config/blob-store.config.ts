import { join, resolve } from 'node:path';
import { type EnvironmentReader } from './environment-reader.js';

/** Where the blobs are. */
export type BlobStoreConfig = FolderStoreConfig | S3StoreConfig;

export interface FolderStoreConfig {
  readonly kind: 'file';
  /** Absolute path. */
  readonly folder: string;
}

export interface S3StoreConfig {
  readonly kind: 's3';
  readonly bucket: string;
  /** In front of every key, with a slash at its end; empty: none. */
  readonly prefix: string;
  /** Base URL of the S3 API; null: Amazon's of the region. */
  readonly endpoint: string | null;
  /** The same as clients reach it, for redirected downloads: what they are signed for. */
  readonly publicEndpoint: string | null;
  readonly region: string;
  /** The bucket in the path of URLs rather than in their host. */
  readonly pathStyle: boolean;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Absolute path of a folder on this machine where programs work on files. */
  readonly scratch: string;
  /** Downloads are redirected to the store. */
  readonly redirect: boolean;
}

const SETTINGS = ['endpoint', 'publicEndpoint', 'region', 'pathStyle'];

/**
 * `VICE_BLOB_STORE` and what belongs to it.
 * @param isOpened false for a service that is only told what the others are told: it needs no key, and no store that can redirect */
export function blobStore(read: EnvironmentReader, dataDir: string, isOpened = true): BlobStoreConfig {
  const text = read.text('VICE_BLOB_STORE') ?? `file:${dataDir}/blobs`;
  const redirect = read.oneOf('VICE_BLOB_REDIRECT', ['true', 'false'], 'false') === 'true';
  if (text.startsWith('s3:')) return s3(read, text, { redirect, isOpened, scratch: join(dataDir, 'scratch') });
  if (redirect && isOpened) read.fault('VICE_BLOB_REDIRECT=true needs a blob store to redirect to: VICE_BLOB_STORE=s3://…');
  const path = /^file:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (!path) read.fault(`VICE_BLOB_STORE must be "file:" and a folder, or s3://bucket/prefix?endpoint=…, and is "${text}"`);
  return { kind: 'file', folder: path ? resolve(path) : '' };
}

function s3(
  read: EnvironmentReader,
  text: string,
  { redirect, isOpened, scratch }: { redirect: boolean; isOpened: boolean; scratch: string },
): S3StoreConfig {
  const url = URL.canParse(text) ? new URL(text) : null;
  const settings = url?.searchParams ?? new URLSearchParams();
  const fault = (message: string) => read.fault(`VICE_BLOB_STORE ${message}`);
  const bucket = url?.hostname ?? '';
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || url?.port)
    fault('must be s3://bucket/prefix?endpoint=…, with the bucket in lower-case letters, digits, dots and hyphens');
  if (url?.username || url?.password) fault('must hold no key: VICE_S3_ACCESS_KEY_ID and VICE_S3_SECRET_ACCESS_KEY are for that');
  for (const name of new Set(settings.keys()))
    if (!SETTINGS.includes(name)) fault(`has the unknown setting "${name}": there are ${SETTINGS.join(', ')}`);
  const endpoint = endpointOf(settings, 'endpoint', fault);
  const region = settings.get('region') || (endpoint === null ? null : 'us-east-1');
  if (region === null) fault('needs region=…, or endpoint=… where the store is not Amazon’s');
  const pathStyle = settings.get('pathStyle') ?? 'false';
  if (pathStyle !== 'true' && pathStyle !== 'false') fault(`has pathStyle=${pathStyle}, which must be true or false`);
  return {
    kind: 's3',
    bucket,
    prefix: prefixOf(url?.pathname ?? '', fault),
    endpoint,
    publicEndpoint: endpointOf(settings, 'publicEndpoint', fault),
    region: region ?? '',
    pathStyle: pathStyle === 'true',
    accessKeyId: key(read, 'VICE_S3_ACCESS_KEY_ID', isOpened),
    secretAccessKey: key(read, 'VICE_S3_SECRET_ACCESS_KEY', isOpened),
    scratch,
    redirect,
  };
}

function endpointOf(settings: URLSearchParams, name: string, fault: (message: string) => void): string | null {
  const text = settings.get(name);
  if (!text) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.search && !url.hash)
    return url.href.replace(/\/$/, '');
  fault(`has ${name}=…, which must be http:// or https:// and a host`);
  return null;
}

/** Written as it is, without any escape, so that one key never has two names. */
function prefixOf(path: string, fault: (message: string) => void): string {
  const prefix = path.replace(/^\/+|\/+$/g, '');
  if (prefix === '') return '';
  if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(prefix) || prefix.length > 500)
    fault('has a prefix that is not made of letters, digits, _, ., - and single slashes');
  return `${prefix}/`;
}

function key(read: EnvironmentReader, name: string, isNeeded: boolean): string {
  const text = read.text(name);
  if (text === null && isNeeded) read.fault(`${name} is missing: VICE_BLOB_STORE=s3://… needs it`);
  return text ?? '';
}
