import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { redirects, type BlobStore, type RedirectingBlobStore } from '#libs/blobs';
import { ImageCalls, type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { CallClient } from '#libs/messaging';
import { bestOf } from '../bodies/accept.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { BLOB_STORE } from '../tokens.js';
import { planDownload, type DownloadPlan } from './download-plan.js';
import { sendJob } from './job-answer.js';
import { variantWish } from './variant-wish.js';

/** The second is what the first clients of this API ask for. */
export const DOWNLOAD_TYPES = ['application/octet-stream', 'application/octet'] as const;

/** The store knows the bytes by another tag than ours, and by another time than the image's: what depends on these is answered here. */
const isForUsToJudge = (headers: IncomingHttpHeaders): boolean =>
  ['if-match', 'if-range', 'if-modified-since', 'if-unmodified-since'].some((name) => headers[name] !== undefined);

@Injectable()
export class DownloadService {
  constructor(
    private readonly calls: CallClient,
    @Inject(BLOB_STORE) private readonly blobs: BlobStore,
  ) {}

  /**
   * Streams the content of an image, in the form that the query names, which stays pinned until the last byte has gone or the client has. What
   * is not there in that form is made, and answered with the job that does; but not for a HEAD. Where the store hands its bytes out by itself, the client is
   * sent there.
   */
  async send(userId: string | null, imageId: string, request: GatewayRequest, reply: GatewayReply): Promise<void> {
    const type = bestOf(request.headers.accept, DOWNLOAD_TYPES);
    if (!type) throw new ViceError('NOT_ACCEPTABLE', `this can be answered as ${DOWNLOAD_TYPES.join(', ')}`);
    const wish = variantWish(request.query);
    const holder = `download-${randomUUID()}`;
    const asked = { userId, imageId, holder };
    const opened = wish
      ? await this.calls.ask(ImageCalls.openVariant, { ...asked, wish, make: request.method === 'GET' })
      : { content: await this.calls.ask(ImageCalls.openContent, asked) };
    if ('job' in opened) return sendJob(opened.job, request, reply);
    const { content } = opened;
    if (redirects(this.blobs) && request.method === 'GET' && !isForUsToJudge(request.headers)) {
      const plan = planDownload(content, imageId, request.headers, request.method);
      if (plan.range) return await this.redirect(this.blobs, { holder, contentType: type }, content.digest, plan, reply);
    }
    const blob = await this.blobs.open(content.digest, { holder, pinned: true });
    try {
      const { status, headers, range } = planDownload(content, imageId, request.headers, request.method);
      reply.headers(headers);
      if (status === 412) throw new ViceError('PRECONDITION_FAILED', 'the image has other content than If-Match names');
      if (status === 416) throw new ViceError('RANGE_NOT_SATISFIABLE', `the image has ${content.size} bytes`);
      reply.code(status);
      if (range) reply.type(type);
      if (!range || request.method === 'HEAD') {
        await blob[Symbol.asyncDispose]();
        reply.send(range ? Readable.from([]) : undefined);
        return;
      }
      if (reply.raw.destroyed) return await blob[Symbol.asyncDispose]();
      const stream = blob.stream(range);
      reply.raw.once('close', () => void blob[Symbol.asyncDispose]());
      reply.send(stream);
    } catch (error) {
      await blob[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The client goes on with the same request, its range among it. */
  private async redirect(
    blobs: RedirectingBlobStore,
    asked: { holder: string; contentType: string },
    digest: Digest,
    { headers }: DownloadPlan,
    reply: GatewayReply,
  ): Promise<void> {
    const contentDisposition = headers['content-disposition'] ?? 'attachment';
    const location = await blobs.redirect(digest, { ...asked, pinned: true, contentDisposition });
    // Of the bytes themselves the store tells.
    const kept = Object.entries(headers).filter(([name]) => name !== 'content-length' && name !== 'content-range');
    reply
      .headers({ ...Object.fromEntries(kept), location, 'cache-control': 'private, no-store' })
      .code(307)
      .send();
  }
}
