import { type Socket } from 'node:net';
import { type Faults } from './faults.js';
import { Line } from './line.js';
import { BLOCK, BLOCK_STATUS, blockLength, STATE, type Download, type Store, type Upload } from './store.js';

const LINES_PER_TRANSFER = 2;
const PIECE = 2 ** 18;

/** One connection of a file transfer, from its first byte to its end. */
export async function serveTransfer(socket: Socket, store: Store, faults: Faults): Promise<void> {
  const line = new Line(socket);
  faults.heardLine();
  try {
    const direction = (await line.read(1)).toString();
    const token = (await line.readMeta()).get('TOKEN') ?? '';
    const transfer = direction === 'U' ? store.uploads.get(token) : direction === 'D' ? store.downloads.get(token) : undefined;
    if (!transfer || transfer.lines >= LINES_PER_TRANSFER || faults.nextLineIsSilent()) return;
    const error = faults.nextError();
    if (error !== undefined) return await line.writeMeta(`ERROR=${error}`);
    transfer.lines++;
    try {
      if (direction === 'U') await receive(line, transfer as Upload, store, faults);
      else await send(line, transfer as Download, store, faults);
    } finally {
      transfer.lines--;
    }
  } catch {
    // The other side has left: what that means was said where it was noticed.
  } finally {
    socket.end();
  }
}

/** The receiver of the file asks for ranges. */
async function receive(line: Line, upload: Upload, store: Store, faults: Faults): Promise<void> {
  const cut = new Cut(line, faults.nextCut());
  if (upload.state === STATE.idle) upload.state = STATE.working;
  store.copyKnown(upload);
  store.finishIfComplete(upload);
  for (let first = true; upload.state === STATE.working; first = false) {
    const index = upload.status.indexOf(BLOCK_STATUS.missing);
    if (index < 0) break;
    const length = blockLength(upload.size, index);
    const range = `RANGE=${index * BLOCK}:${index * BLOCK + length}`;
    upload.status[index] = BLOCK_STATUS.uploading;
    store.asked.push({ token: upload.token, start: index * BLOCK, end: index * BLOCK + length });
    try {
      await line.writeMeta(...(first ? ['COMPRESS=true'] : []), range);
      const answer = await line.readMeta();
      if (`RANGE=${answer.get('RANGE')}` !== range) throw new Error('another range');
      const block = Buffer.allocUnsafe(length);
      for (let at = 0; at < length;) {
        const part = await line.some(length - at);
        at += part.copy(block, at);
        await faults.pass(part.length);
        cut.count(part.length);
      }
      store.received(upload, index, block, faults.nextBlockIsBad());
    } catch (error) {
      store.mismatch(upload, index);
      throw error;
    }
  }
  if (upload.state === STATE.error) await line.writeMeta('ERROR=too many bad blocks');
  else await line.writeMeta('DONE=');
}

async function send(line: Line, { token, version }: Download, store: Store, faults: Faults): Promise<void> {
  const cut = new Cut(line, faults.nextCut());
  for (;;) {
    const meta = await faults.inTime(line.readMeta());
    if (!meta) return await line.writeMeta('ERROR=timeout');
    if (meta.has('DONE')) return void store.downloads.delete(token);
    const [start = NaN, end = NaN] = (meta.get('RANGE') ?? '').split(':').map(Number);
    if (!(start >= 0 && start < end && end <= version.size))
      return await line.writeMeta('ERROR=Requested range is larger than file size, aborting.');
    store.asked.push({ token, start, end });
    const wrong = faults.nextWrongAnswer();
    if (wrong) {
      await line.writeMeta(...wrong);
      await line.write(Buffer.alloc(end - start));
      continue;
    }
    await line.writeMeta(`RANGE=${start}:${end}`);
    const isBad = faults.nextBlockIsBad();
    for (let at = start; at < end;) {
      const index = Math.floor(at / BLOCK);
      const until = Math.min(end, at + PIECE, index * BLOCK + blockLength(version.size, index));
      const block = version.blocks[index];
      let piece: Buffer = block ? block.subarray(at - index * BLOCK, until - index * BLOCK) : Buffer.alloc(until - at);
      if (isBad && at === start) {
        piece = Buffer.from(piece);
        piece[0]! ^= 1;
      }
      await faults.pass(piece.length);
      await line.write(piece);
      cut.count(piece.length);
      at = until;
    }
  }
}

/** Breaks a connection after so many bytes of the file. */
class Cut {
  constructor(
    private readonly line: Line,
    private left: number,
  ) {}

  count(bytes: number): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    this.line.socket.destroy();
    throw new Error('cut');
  }
}
