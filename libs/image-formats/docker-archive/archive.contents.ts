import { createHash } from 'node:crypto';
import { ViceError } from '#libs/errors';
import { ExpansionBudget, gunzipped, isGzip, openArchive, peek } from '../expansion.js';
import { type InspectionLimits } from '../inspection.js';
import { invalid, quote, refused } from '../refusal.js';
import { BLOCK, isTarHeader } from '../tar/tar.header.js';
import { readTar, type TarEntry } from '../tar/tar.reader.js';
import { hardLinkTarget, pathInTree, symlinkTarget } from '../tar/tar.paths.js';
import { LayerScan } from './layer.scan.js';

const ARCHIVE = 'the archive';
const JSON_STARTS = [0x7b, 0x5b, 0x20, 0x09, 0x0a, 0x0d];

/** The bytes of one file of the archive, as far as they matter later: which file is what, `manifest.json` says, and that comes last. */
export interface ArchivedFile {
  kind: 'file';
  size: number;
  /** Of the bytes as they stand. */
  digest: string;
  /** The bytes themselves, of what looks like a JSON document. */
  document?: Buffer;
  /** Of what is a tar archive, plain or gzip. `fault` is what makes it unfit for a layer. */
  layer?: { diffId: string; expandedSize: number; compression: 'none' | 'gzip'; fault?: ViceError };
}

type ArchivedEntry = ArchivedFile | { kind: 'link'; target: string } | { kind: 'directory' };

/** An image archive, read once from start to end in bounded memory. */
export class ArchiveContents {
  private readonly entries = new Map<string, ArchivedEntry>();
  private readonly blobs = new Map<string, ArchivedFile>();
  private documentBytes = 0;

  private constructor(private readonly limits: InspectionLimits) {}

  /** Takes plain and gzip archives. Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED, and errors of the source as they are. */
  static async read(archive: AsyncIterable<Buffer>, limits: InspectionLimits): Promise<ArchiveContents> {
    const contents = new ArchiveContents(limits);
    const budget = new ExpansionBudget(limits);
    for await (const entry of readTar(openArchive(archive, budget))) await contents.add(entry, budget);
    contents.refuseEntriesBelowFiles();
    contents.compareBlobsWithTheirNames();
    return contents;
  }

  has(path: string): boolean {
    return this.entries.has(path);
  }

  /** The file at this path, through links within the archive; undefined where there is none. */
  file(path: string): ArchivedFile | undefined {
    let entry = this.entries.get(path);
    for (let hops = 0; entry?.kind === 'link' && hops < 10; hops++) entry = this.entries.get(entry.target);
    return entry?.kind === 'file' ? entry : undefined;
  }

  /** The file of this digest, wherever it is in the archive: an engine with the containerd store takes every file in, and finds it by its digest alone. */
  blob(digest: string): ArchivedFile | undefined {
    return this.blobs.get(digest);
  }

  /** One of the documents that steer an engine, which must be a file of its own: an engine, or we, might not follow a link to it. */
  document(path: string): Buffer | undefined {
    const entry = this.entries.get(path);
    if (!entry) return undefined;
    if (entry.kind !== 'file') throw refused(`${path} in the archive is not a plain file`);
    if (!entry.document) throw invalid(`${path} in the archive is not a JSON document`);
    return entry.document;
  }

  private async add({ header, body }: TarEntry, budget: ExpansionBudget): Promise<void> {
    const path = pathInTree(header.name, ARCHIVE);
    if (this.entries.size >= this.limits.maxArchiveEntries)
      throw refused(`the archive has more than ${this.limits.maxArchiveEntries} entries`);
    if (header.type === 'directory') {
      if (path === '') return;
      const there = this.entries.get(path);
      if (there && there.kind !== 'directory') throw refused(`the archive holds two entries of the name ${quote(path)}`);
      this.entries.set(path, { kind: 'directory' });
      return;
    }
    if (path === '' || this.entries.has(path)) throw refused(`the archive holds two entries of the name ${quote(path)}`);
    if (header.type === 'symlink') this.entries.set(path, { kind: 'link', target: symlinkTarget(header, ARCHIVE) });
    else if (header.type === 'link') this.entries.set(path, { kind: 'link', target: hardLinkTarget(header, ARCHIVE) });
    else if (header.type === 'file') this.addFile(path, await this.readFile(header.size, body, budget));
    else throw refused(`the archive holds ${quote(path)}, which is neither a file nor a folder nor a link`);
  }

  private addFile(path: string, file: ArchivedFile): void {
    this.entries.set(path, file);
    this.blobs.set(file.digest, file);
  }

  private async readFile(size: number, body: AsyncIterable<Buffer>, budget: ExpansionBudget): Promise<ArchivedFile> {
    const { head, all } = await peek(body, BLOCK);
    if (isGzip(head)) return await readGzipFile(size, all, budget);
    if (isTarHeader(head) || (head.length >= BLOCK && head.subarray(0, BLOCK).every((byte) => byte === 0)))
      return await readLayerFile(size, all);
    const keep = JSON_STARTS.includes(head[0] ?? 0) && size <= this.limits.maxDocumentBytes;
    if (keep) this.documentBytes += size;
    if (this.documentBytes > 8 * this.limits.maxDocumentBytes) throw refused('the archive holds too many JSON documents');
    return await readOtherFile(size, all, keep);
  }

  /** What lies below a link or a file would land elsewhere when a tool unpacks the archive. */
  private refuseEntriesBelowFiles(): void {
    for (const path of this.entries.keys()) {
      for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
        const parent = this.entries.get(path.slice(0, slash));
        if (parent && parent.kind !== 'directory')
          throw refused(`the archive holds ${quote(path)} below something that is not a folder`);
      }
    }
  }

  private compareBlobsWithTheirNames(): void {
    for (const [path, entry] of this.entries) {
      if (entry.kind === 'directory') continue;
      const name = /^blobs\/sha256\/(.*)$/.exec(path)?.[1] ?? /^([0-9a-f]{64})\.json$/.exec(path)?.[1];
      if (name === undefined) continue;
      const file = this.file(path);
      if (file?.digest !== `sha256:${name}`)
        throw invalid(`the archive is damaged: the content of ${quote(path)} does not have the digest that its name says`);
    }
  }
}

async function readOtherFile(size: number, body: AsyncIterable<Buffer>, keep: boolean): Promise<ArchivedFile> {
  const hash = createHash('sha256');
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    hash.update(chunk);
    if (keep) chunks.push(chunk);
  }
  return { kind: 'file', size, digest: `sha256:${hash.digest('hex')}`, ...(keep && { document: Buffer.concat(chunks) }) };
}

async function readLayerFile(size: number, body: AsyncIterable<Buffer>): Promise<ArchivedFile> {
  const { digest, fault } = await readLayer(body);
  return { kind: 'file', size, digest, layer: { diffId: digest, expandedSize: size, compression: 'none', fault } };
}

async function readGzipFile(size: number, body: AsyncIterable<Buffer>, budget: ExpansionBudget): Promise<ArchivedFile> {
  const hash = createHash('sha256');
  const hashed = async function* () {
    for await (const chunk of body) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const { digest, size: expandedSize, fault } = await readLayer(gunzipped(hashed(), budget));
  return {
    kind: 'file',
    size,
    digest: `sha256:${hash.digest('hex')}`,
    layer: { diffId: digest, expandedSize, compression: 'gzip', fault },
  };
}

/** Hashes all of it also when its entries are at fault: whether it is a layer at all is not known yet. */
async function readLayer(body: AsyncIterable<Buffer>): Promise<{ digest: string; size: number; fault?: ViceError }> {
  const hash = createHash('sha256');
  const scan = new LayerScan();
  let size = 0;
  let fault: ViceError | undefined;
  const attempt = (step: () => void) => {
    try {
      if (!fault) step();
    } catch (error) {
      fault = ViceError.from(error);
    }
  };
  for await (const chunk of body) {
    hash.update(chunk);
    size += chunk.length;
    attempt(() => scan.push(chunk));
  }
  attempt(() => scan.finish());
  return { digest: `sha256:${hash.digest('hex')}`, size, fault };
}
