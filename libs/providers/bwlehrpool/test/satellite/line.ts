import { type Socket } from 'node:net';

/** Reads and writes one connection step by step. Every step fails when the other side leaves. */
export class Line {
  private chunks: Buffer[] = [];
  private held = 0;
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.held += chunk.length;
      if (this.held > 2 ** 20) socket.pause();
      this.wake();
    });
    const end = () => {
      this.ended = true;
      this.wake();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** At least one byte, at most so many. */
  async some(most: number): Promise<Buffer> {
    while (this.chunks.length === 0) {
      if (this.ended) throw new Error('the other side has left');
      this.socket.resume();
      await new Promise<void>((wake) => (this.wake = wake));
    }
    const first = this.chunks[0]!;
    const taken = first.subarray(0, most);
    if (taken.length === first.length) this.chunks.shift();
    else this.chunks[0] = first.subarray(most);
    this.held -= taken.length;
    return taken;
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.ended) throw new Error('the other side has left');
    if (this.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        this.socket.off('drain', go).off('close', go);
        resolve();
      };
      this.socket.on('drain', go).on('close', go);
    });
  }

  /** `u16be length + "KEY=VALUE"`, repeated, ended by `00 00`. */
  async readMeta(): Promise<Map<string, string>> {
    const meta = new Map<string, string>();
    for (;;) {
      const length = (await this.read(2)).readUInt16BE();
      if (length === 0) return meta;
      const field = (await this.read(length)).toString();
      const equals = field.indexOf('=');
      if (!meta.has(field.slice(0, equals))) meta.set(field.slice(0, equals), field.slice(equals + 1));
    }
  }

  async writeMeta(...fields: string[]): Promise<void> {
    const parts = fields.flatMap((field) => [Buffer.from([field.length >> 8, field.length & 255]), Buffer.from(field)]);
    await this.write(Buffer.concat([...parts, Buffer.from([0, 0])]));
  }
}
