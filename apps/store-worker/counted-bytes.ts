import { pipeline, Transform, type Readable } from 'node:stream';
import { type OpenBlob } from '#libs/blobs';
import { type InspectableBytes } from '#libs/image-formats';

/** A blob that tells how far into it has been read. What is read again, or skipped, counts once. */
export class CountedBytes implements InspectableBytes {
  private reached = 0;

  constructor(
    private readonly blob: OpenBlob,
    private readonly advance: (bytes: number) => void,
  ) {}

  get size(): number {
    return this.blob.size;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const bytes = await this.blob.read(position, length);
    this.reach(position + bytes.length);
    return bytes;
  }

  stream(): Readable {
    let position = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        position += chunk.length;
        this.reach(position);
        done(null, chunk);
      },
    });
    // Whoever reads it hears of an error from the stream itself.
    return pipeline(this.blob.stream(), counted, () => undefined);
  }

  /** What inspection had no need to read is done with too. */
  countRest(): void {
    this.reach(this.size);
  }

  private reach(position: number): void {
    if (position <= this.reached) return;
    this.advance(position - this.reached);
    this.reached = position;
  }
}
