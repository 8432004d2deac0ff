import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type ListMultipartUploadsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type Readable } from 'node:stream';
import { ViceError } from '#libs/errors';
import { isConditionUnmet, isMissingObject, isNotImplemented, s3Error } from './s3-error.js';

export interface StoredObject {
  size: number;
  etag: string;
}

/** A part of a multipart upload that has arrived, numbered from 1. */
export interface Part {
  PartNumber: number;
  ETag: string;
}

export interface Upload {
  key: string;
  uploadId: string;
}

/** The requests to one bucket that a blob store consists of. All raise what went wrong in words for the user. */
export class Bucket {
  /** Becomes false where the server knows no conditions on what is written. */
  private conditions = true;

  constructor(
    private readonly client: S3Client,
    readonly name: string,
  ) {}

  /** null: there is none. */
  async head(key: string): Promise<StoredObject | null> {
    const answer = await this.orNull(this.client.send(new HeadObjectCommand({ Bucket: this.name, Key: key })));
    return answer && { size: answer.ContentLength ?? 0, etag: answer.ETag ?? '' };
  }

  /** The bytes from `start` to before `end`; fails with BLOB_NOT_FOUND where the object is none any more, or another. */
  async get(key: string, etag: string | null, start: number, end: number, signal?: AbortSignal): Promise<Readable> {
    const command = new GetObjectCommand({
      Bucket: this.name,
      Key: key,
      Range: `bytes=${start}-${end - 1}`,
      ...(etag !== null && { IfMatch: etag }),
    });
    try {
      return (await this.client.send(command, { ...(signal && { abortSignal: signal }) })).Body as Readable;
    } catch (error) {
      if (isMissingObject(error) || isConditionUnmet(error))
        throw new ViceError('BLOB_NOT_FOUND', 'the object is not in the store any more', { cause: error });
      throw s3Error(error);
    }
  }

  async put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const command = new PutObjectCommand({ Bucket: this.name, Key: key, Body: bytes, ContentLength: bytes.length });
    await this.said(this.client.send(command, { ...(signal && { abortSignal: signal }) }));
  }

  /** Within the store, at most 5 GiB. `anew`: only where there is nothing under `to` yet, as far as the server can tell. */
  async copy(from: string, to: string, { anew = false }: { anew?: boolean } = {}): Promise<'done' | 'missing'> {
    return await this.onlyOnce(anew, (condition) =>
      this.client.send(new CopyObjectCommand({ Bucket: this.name, Key: to, CopySource: this.source(from), ...condition })),
    );
  }

  async beginUpload(key: string): Promise<Upload> {
    const { UploadId } = await this.said(this.client.send(new CreateMultipartUploadCommand({ Bucket: this.name, Key: key })));
    return { key, uploadId: UploadId! };
  }

  async putPart({ key, uploadId }: Upload, number: number, bytes: Uint8Array, signal?: AbortSignal): Promise<Part> {
    const command = new UploadPartCommand({
      ...{ Bucket: this.name, Key: key, UploadId: uploadId, PartNumber: number, Body: bytes, ContentLength: bytes.length },
    });
    const { ETag } = await this.said(this.client.send(command, { ...(signal && { abortSignal: signal }) }));
    return { PartNumber: number, ETag: ETag! };
  }

  /** null: there is no object to copy. */
  async copyPart({ key, uploadId }: Upload, number: number, from: string): Promise<Part | null> {
    const command = new UploadPartCopyCommand({
      ...{ Bucket: this.name, Key: key, UploadId: uploadId, PartNumber: number, CopySource: this.source(from) },
    });
    const answer = await this.orNull(this.client.send(command));
    return answer && { PartNumber: number, ETag: answer.CopyPartResult!.ETag! };
  }

  /** `anew`: only where there is nothing under that key yet, as far as the server can tell. */
  async completeUpload({ key, uploadId }: Upload, arrived: Part[], { anew = false } = {}): Promise<'done' | 'missing'> {
    const Parts = arrived.toSorted((one, other) => one.PartNumber - other.PartNumber);
    return await this.onlyOnce(anew, (condition) =>
      this.client.send(
        new CompleteMultipartUploadCommand({
          ...{ Bucket: this.name, Key: key, UploadId: uploadId, MultipartUpload: { Parts }, ...condition },
        }),
      ),
    );
  }

  /** One that has ended is no error. */
  async abortUpload({ key, uploadId }: Upload): Promise<void> {
    await this.orNull(this.client.send(new AbortMultipartUploadCommand({ Bucket: this.name, Key: key, UploadId: uploadId })));
  }

  /** Nothing there is no error. `mayStill` is asked before each try, and what it raises is raised: the client tries again by itself. */
  async remove(key: string, mayStill?: () => void): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.name, Key: key });
    const eachTry = { step: 'finalizeRequest', priority: 'low' } as const;
    command.middlewareStack.add((send) => (request) => (mayStill?.(), send(request)), eachTry);
    await this.orNull(this.client.send(command));
  }

  /** All objects whose keys begin like this, in the order of their keys. */
  async list(prefix: string): Promise<{ key: string; size: number }[]> {
    const found: { key: string; size: number }[] = [];
    try {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: this.client }, { Bucket: this.name, Prefix: prefix }))
        for (const { Key, Size } of Contents) found.push({ key: Key!, size: Size ?? 0 });
    } catch (error) {
      throw s3Error(error);
    }
    return found.sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  /** What stands between this prefix and the next slash, with both. */
  async folders(prefix: string): Promise<string[]> {
    const found: string[] = [];
    const request = { Bucket: this.name, Prefix: prefix, Delimiter: '/' };
    try {
      for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client: this.client }, request))
        for (const { Prefix } of CommonPrefixes) found.push(Prefix!);
    } catch (error) {
      throw s3Error(error);
    }
    return found;
  }

  /** Multipart uploads that were begun and neither completed nor aborted. */
  async uploads(prefix: string): Promise<Upload[]> {
    const found: Upload[] = [];
    for (let from = {}; ;) {
      const page: ListMultipartUploadsCommandOutput = await this.said(
        this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name, Prefix: prefix, ...from })),
      );
      for (const { Key, UploadId } of page.Uploads ?? []) found.push({ key: Key!, uploadId: UploadId! });
      if (!page.IsTruncated || !page.NextKeyMarker) return found;
      from = { KeyMarker: page.NextKeyMarker, ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }) };
    }
  }

  /** Rejects where the bucket is not there, or not for us. */
  async check(): Promise<void> {
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.name }));
    } catch (error) {
      // An answer to HEAD has no body that could name the fault.
      if (isMissingObject(error)) throw s3Error({ name: 'NoSuchBucket' });
      throw s3Error(error);
    }
  }

  private source(key: string): string {
    return `${this.name}/${key}`;
  }

  /** What is there already counts as done: nobody puts anything but the same bytes under a digest. */
  private async onlyOnce(
    anew: boolean,
    send: (condition: { IfNoneMatch?: string }) => Promise<unknown>,
  ): Promise<'done' | 'missing'> {
    const conditional = anew && this.conditions;
    try {
      await send(conditional ? { IfNoneMatch: '*' } : {});
      return 'done';
    } catch (error) {
      if (conditional && isConditionUnmet(error)) return 'done';
      if (isMissingObject(error)) return 'missing';
      if (!conditional || !isNotImplemented(error)) throw s3Error(error);
    }
    this.conditions = false;
    return await this.onlyOnce(anew, send);
  }

  private async said<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw s3Error(error);
    }
  }

  private async orNull<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw s3Error(error);
    }
  }
}
