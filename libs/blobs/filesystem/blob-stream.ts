import { type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** Measured over HTTP on loopback: 64 KiB 0.9 GB/s, 512 KiB 1.9 GB/s, 1 MiB no more. */
const READ_BYTES = 512 << 10;

/** Bytes of an open file, which stays open when this ends or is destroyed (Node's own streams close it). `end` is exclusive. */
export class BlobStream extends Readable {
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly handle: FileHandle,
    private position: number,
    private readonly end: number,
  ) {
    super({ highWaterMark: READ_BYTES });
  }

  override _read(): void {
    if (this.position >= this.end) this.push(null);
    else this.reading = this.readOn().catch((error: Error) => void this.destroy(error));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    void this.reading.then(() => done(error));
  }

  private async readOn(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, this.end - this.position));
    const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.position);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${this.position}, before byte ${this.end}`);
    this.position += bytesRead;
    this.push(buffer.subarray(0, bytesRead));
  }
}
