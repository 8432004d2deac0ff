import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type S3StoreConfig } from '#libs/config';
import { HOLD_SECONDS, type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger } from '../blob-ledger.js';
import { REDIRECT_SECONDS, type RedirectingBlobStore, type RedirectOptions } from '../blob-store.js';
import { S3BlobStore } from './s3-blob-store.js';
import { s3Client } from './s3-client.js';

/** Hands out signed URLs of its objects, for the endpoint that clients reach: the host is part of what is signed. */
export class RedirectingS3BlobStore extends S3BlobStore implements RedirectingBlobStore {
  private readonly signer: S3Client;

  constructor(config: S3StoreConfig, ledger: BlobLedger) {
    super(config, ledger);
    this.signer = s3Client(config, config.publicEndpoint ?? config.endpoint);
  }

  async redirect(digest: Digest, { holder, pinned = false, contentType, contentDisposition }: RedirectOptions): Promise<string> {
    const key = this.layout.blob(digest);
    if (!pinned) await this.ledger.pin(holder, digest);
    if ((await this.bucket.head(key)) === null)
      throw new ViceError('BLOB_NOT_FOUND', `the bytes of ${digest} are not in the blob store`);
    // A download that begins at the last moment has some time, too.
    await this.ledger.holdFor(holder, REDIRECT_SECONDS + HOLD_SECONDS);
    const object = { Bucket: this.bucket.name, Key: key };
    return await getSignedUrl(
      this.signer,
      new GetObjectCommand({ ...object, ResponseContentType: contentType, ResponseContentDisposition: contentDisposition }),
      { expiresIn: REDIRECT_SECONDS },
    );
  }
}
