import { randomUUID } from 'node:crypto';
import { loadConfig, type S3StoreConfig } from '#libs/config';
import { type TestObjectStore } from '#libs/testing';

/** The configuration of a blob store under a prefix of its own in the bucket `blobs`; `settings` replace what differs. */
export function bucketOf(server: TestObjectStore, scratch: string, settings: Partial<S3StoreConfig> = {}): S3StoreConfig {
  const { blobStore } = loadConfig('standalone', {
    VICE_BLOB_STORE: `s3://blobs/${randomUUID()}?endpoint=${server.endpoint}&pathStyle=true`,
    VICE_S3_ACCESS_KEY_ID: server.accessKeyId,
    VICE_S3_SECRET_ACCESS_KEY: server.secretAccessKey,
  });
  return { ...(blobStore as S3StoreConfig), scratch, ...settings };
}
