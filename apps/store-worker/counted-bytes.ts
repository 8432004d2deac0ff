import { pipeline, Transform, type Readable } from 'node:stream';
import { type OpenBlob } from '#libs/blobs';
import { type InspectableBytes } from '#libs/image-formats';

/**
 * A blob that tells how much of it has been read. Of a stream it counts how far into the blob it has come, since there may be several. Reads add up: those of
 * a disk's tables, which may lie anywhere and are few, then those of all its data. It never tells more than all.
 */
export class CountedBytes implements InspectableBytes {
  private streamed = 0;
  private readInPlaces = 0;
  private told = 0;

  constructor(
    private readonly blob: OpenBlob,
    private readonly advance: (bytes: number) => void,
  ) {}

  get size(): number {
    return this.blob.size;
  }

  async read(position: number, length: number, into?: Buffer): Promise<Buffer> {
    const bytes = await this.blob.read(position, length, into);
    this.readInPlaces += bytes.length;
    this.tell();
    return bytes;
  }

  stream(): Readable {
    let position = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        position += chunk.length;
        this.streamed = Math.max(this.streamed, position);
        this.tell();
        done(null, chunk);
      },
    });
    // Whoever reads it hears of an error from the stream itself.
    return pipeline(this.blob.stream(), counted, () => undefined);
  }

  /** What inspection had no need to read is done with too. */
  countRest(): void {
    this.streamed = this.size;
    this.tell();
  }

  private tell(): void {
    const done = Math.min(Math.max(this.streamed, this.readInPlaces), this.size);
    if (done <= this.told) return;
    this.advance(done - this.told);
    this.told = done;
  }
}
