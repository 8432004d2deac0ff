import { type Bucket, type Part, type Upload } from './bucket.js';
import { PART_BYTES } from './segment-plan.js';
import { sweptAway } from './swept-away.js';

/** One object of a staged transfer on its way: by one request where it is no more than a part, by a multipart upload else. */
export class Segment {
  /** Bytes that are here or on their way. */
  bytes = 0;
  private upload: Promise<Upload> | undefined;
  private completing: Promise<void> | undefined;
  private readonly sent: Promise<Part | undefined>[] = [];

  constructor(
    private readonly bucket: Bucket,
    readonly key: string,
    private readonly plannedBytes: number,
    private readonly signal: AbortSignal,
  ) {}

  get isFull(): boolean {
    return this.bytes >= this.plannedBytes;
  }

  /** At most PART_BYTES, and less only at the end of the transfer. */
  send(part: Uint8Array): Promise<unknown> {
    this.bytes += part.length;
    const sending = this.plannedBytes <= PART_BYTES ? this.whole(part) : this.part(part, this.sent.length + 1);
    this.sent.push(sending);
    return sending;
  }

  /** When all has been sent: makes it readable. Asked again, it is still done once. */
  complete(): Promise<void> {
    return (this.completing ??= this.putTogether());
  }

  /** Takes it away, as far as it has come. */
  async remove(): Promise<void> {
    await Promise.allSettled([...this.sent, this.completing]);
    const upload = await this.upload?.catch(() => undefined);
    if (upload) await this.bucket.abortUpload(upload);
    await this.bucket.remove(this.key);
  }

  private async putTogether(): Promise<void> {
    const sent = await Promise.all(this.sent);
    if (!this.upload) return;
    if (
      (await this.bucket.completeUpload(
        await this.upload,
        sent.map((part) => part!),
      )) === 'missing'
    )
      throw sweptAway();
  }

  private async whole(bytes: Uint8Array): Promise<undefined> {
    await this.bucket.put(this.key, bytes, this.signal);
  }

  private async part(bytes: Uint8Array, number: number): Promise<Part> {
    this.upload ??= this.bucket.beginUpload(this.key);
    return await this.bucket.putPart(await this.upload, number, bytes, this.signal);
  }
}
