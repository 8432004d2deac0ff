import { type ClientRequest } from 'node:http';
import { type Socket } from 'node:net';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';

/** From the last byte of an upload to its answer: the service may copy all of it elsewhere before. */
const UPLOADED_MS = 600_000;
/** How long an upload waits to be asked for its bytes, by a service that never asks. */
const CONTINUE_MS = 500;
/** How a write says that the other side has gone. */
const BREAKS = ['EPIPE', 'ECONNRESET'];

export interface Upload {
  /** Bytes. */
  length: number;
  open(): Promise<Readable>;
}

/** A service that refuses an upload answers before it has read everything, and closes: then its answer counts, not the broken pipe. */
export async function sendBody(outgoing: ClientRequest, { open }: Upload, socket: Socket, asksBefore: boolean): Promise<void> {
  let answered = false;
  outgoing.once('response', () => (answered = true));
  const untilAnswered = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      // Lets in what has come.
      await setImmediate();
      if (answered) return;
      yield chunk;
    }
  };
  leaveBreaksToReading(socket);
  try {
    if (asksBefore && !(await isAskedFor(outgoing))) return;
    await pipeline(await open(), untilAnswered, outgoing);
    if (!answered) socket.setTimeout(UPLOADED_MS);
  } catch (error) {
    if (!answered) outgoing.destroy(error as Error);
  }
}

/**
 * A write that fails would end the socket although an answer may lie in it, unread. What is read last tells the same: that the connection has ended.
 */
function leaveBreaksToReading(socket: Socket): void {
  type Done = (error?: Error | null) => void;
  const { _write: write, _writev: writeAll } = socket;
  const spared =
    (done: Done): Done =>
    (error) =>
      done(BREAKS.includes((error as NodeJS.ErrnoException | null | undefined)?.code ?? '') ? null : error);
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, spared(done));
  socket._writev = (chunks, done) => writeAll!.call(socket, chunks, spared(done));
}

/** Whether the bytes are wanted: false where the service has answered without them. */
function isAskedFor(outgoing: ClientRequest): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), CONTINUE_MS);
    const settle = (wanted: boolean) => () => {
      clearTimeout(timer);
      resolve(wanted);
    };
    outgoing.once('continue', settle(true)).once('response', settle(false)).once('close', settle(false));
    outgoing.flushHeaders();
  });
}
