import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { VICE_CONFIG, type ViceConfig } from '#libs/config';
import { ImageCalls } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { CallClient } from '#libs/messaging';
import { BLOB_STORE } from '../tokens.js';
import { invalidUpload, receiveUpfile } from './multipart.js';

/** What a form has around its file at most, for the question whether a body can be too large. */
const FORM_BYTES = 64 * 1024;

@Injectable()
export class UploadService {
  constructor(
    private readonly calls: CallClient,
    @Inject(BLOB_STORE) private readonly blobs: BlobStore,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
  ) {}

  /** Takes the file in and has it inspected. Whatever goes wrong, and whoever goes away, nothing of it is left. */
  async receive(userId: string, imageId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.calls.ask(ImageCalls.beginUpload, { userId, imageId });
    const expected = Number(request.headers['content-length'] ?? Number.NaN);
    const { maxImageBytes } = this.config;
    if (expected > maxImageBytes + FORM_BYTES) {
      throw new ViceError('IMAGE_TOO_LARGE', `the upload is larger than ${maxImageBytes} bytes, which is the most that is taken`);
    }
    const writer = `upload-${randomUUID()}`;
    const size = Number.isNaN(expected) ? undefined : Math.min(expected, maxImageBytes);
    await using staged = await this.blobs.stage({ writer, size, maxBytes: maxImageBytes });
    if (request.headers.expect) response.writeContinue();
    await receiveUpfile(request, (upfile) => pipeline(upfile, staged));
    if (staged.bytesWritten === 0) throw invalidUpload('upfile is empty');
    const blob = await staged.commit();
    await this.calls.ask(ImageCalls.commitUpload, { userId, imageId, writer, ...blob });
  }
}
