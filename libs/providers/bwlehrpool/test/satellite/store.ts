import { createHash, randomUUID } from 'node:crypto';

export const BLOCK = 16_777_216;
export const ZERO_BLOCK_SHA1 = '3b4417fc421cee30a9ad0fd9319220a8dae32da2';
export const BLOCK_STATUS = { complete: 0, missing: 1, uploading: 2, queuedForCopying: 3, copying: 4, hashing: 5 };
export const STATE = { idle: 0, working: 1, finished: 2, error: 3 };

export interface Rights {
  link: boolean;
  download: boolean;
  edit: boolean;
  admin: boolean;
}

export const ALL: Rights = { link: true, download: true, edit: true, admin: true };
export const NONE: Rights = { link: false, download: false, edit: false, admin: false };

export interface StoredVersion {
  id: string;
  createTime: number;
  /** Block by block; null is a block of zeros. */
  blocks: (Buffer | null)[];
  size: number;
  /** Undefined where the satellite knows no hash of a block. */
  hashes: Buffer[];
  machineDescription: Buffer;
  software: string[];
  isValid: boolean;
  uploaderId: string;
}

export interface StoredBase {
  id: string;
  name: string;
  description: string;
  osId: number;
  virtId: string;
  ownerId: string;
  createTime: number;
  defaultPermissions: Rights;
  users: Map<string, Rights>;
  versions: StoredVersion[];
}

export interface Upload {
  token: string;
  base: StoredBase;
  ownerId: string;
  size: number;
  withHashes: boolean;
  hashes: Buffer[];
  machineDescription: Buffer;
  blocks: (Buffer | null)[];
  status: number[];
  mismatches: number[];
  state: number;
  lines: number;
}

export interface Download {
  token: string;
  version: StoredVersion;
  lines: number;
}

/** A part of a file that was asked for: to find what was sent twice. */
export interface AskedRange {
  token: string;
  start: number;
  end: number;
}

/** What a test satellite holds. Transfers are lost when it restarts, images are not. */
export class Store {
  readonly bases = new Map<string, StoredBase>();
  readonly uploads = new Map<string, Upload>();
  readonly downloads = new Map<string, Download>();
  /** In the order in which they came, uploads and downloads. */
  readonly asked: AskedRange[] = [];
  serverSideCopy = false;
  /** Whether it notices of its own accord that the last block has been checked, or only when a line comes. */
  noticesTheEnd = true;
  /** Deleted versions are listed until they are purged, as versions that are not valid. */
  listsDeleted = false;
  /** What has been uploaded is not valid. */
  finishesInvalid = false;
  /** Whether the list says how many versions an image has. */
  countsVersions = true;
  /** Whether it says how large versions are. */
  tellsSizes = true;
  /** Whether an image that is not there is called that, or refused without a word. */
  saysNotFound = true;
  /** It forgets an upload as soon as it is finished. */
  forgetsFinished = false;
  /** What is being uploaded is listed as a version that is not valid, from the request on. */
  listsUploads = false;
  private clock = 1_700_000_000;

  now(): number {
    return this.clock++;
  }

  createBase(name: string, ownerId: string, more: Partial<StoredBase> = {}): StoredBase {
    const base: StoredBase = {
      id: randomUUID(),
      name: name.slice(0, 100),
      description: '',
      osId: 0,
      virtId: '',
      ownerId,
      createTime: this.now(),
      defaultPermissions: NONE,
      users: new Map(),
      versions: [],
      ...more,
    };
    this.bases.set(base.id, base);
    return base;
  }

  addVersion(base: StoredBase, content: Buffer, more: Partial<StoredVersion> = {}): StoredVersion {
    const blocks = blocksOf(content);
    const version: StoredVersion = {
      id: randomUUID(),
      createTime: this.now(),
      blocks,
      size: content.length,
      hashes: blocks.map((block, i) => sha1(block ?? Buffer.alloc(blockLength(content.length, i)))),
      machineDescription: Buffer.alloc(0),
      software: [],
      isValid: true,
      uploaderId: base.ownerId,
      ...more,
    };
    base.versions.push(version);
    return version;
  }

  deleteVersion(base: StoredBase, version: StoredVersion): void {
    if (this.listsDeleted) version.isValid = false;
    else base.versions = base.versions.filter((one) => one !== version);
  }

  /** What the image is said to have. */
  listedVersions(base: StoredBase): StoredVersion[] {
    const uploads = this.listsUploads ? [...this.uploads.values()].filter((upload) => upload.base === base) : [];
    const unfinished = uploads.filter(({ state }) => state !== STATE.finished);
    return [...base.versions, ...unfinished.map((upload) => this.versionOf(upload, false))];
  }

  findVersion(id: string): { base: StoredBase; version: StoredVersion } | null {
    for (const base of this.bases.values()) {
      const version = base.versions.find((one) => one.id === id);
      if (version) return { base, version };
    }
    return null;
  }

  beginUpload(base: StoredBase, ownerId: string, size: number, hashes: Buffer[] | null, machineDescription: Buffer): Upload {
    const count = Math.ceil(size / BLOCK);
    const upload: Upload = {
      token: randomUUID(),
      base,
      ownerId,
      size,
      withHashes: hashes !== null,
      hashes: hashes ?? [],
      machineDescription,
      blocks: new Array<Buffer | null>(count).fill(null),
      status: new Array<number>(count).fill(BLOCK_STATUS.missing),
      mismatches: new Array<number>(count).fill(0),
      state: STATE.idle,
      lines: 0,
    };
    this.uploads.set(upload.token, upload);
    return upload;
  }

  /** Blocks of zeros need not come, but only where the request came without hashes; known ones are copied, where that is switched on. */
  updateHashes(upload: Upload, hashes: Buffer[]): void {
    upload.hashes = hashes;
    const known = this.serverSideCopy ? this.knownBlocks() : new Map<string, Buffer>();
    hashes.forEach((hash, i) => {
      if (upload.status[i] !== BLOCK_STATUS.missing) return;
      const text = hash.toString('hex');
      if (!upload.withHashes && text === ZERO_BLOCK_SHA1) upload.status[i] = BLOCK_STATUS.complete;
      else if (known.has(text)) {
        upload.status[i] = BLOCK_STATUS.queuedForCopying;
        upload.blocks[i] = known.get(text)!;
      }
    });
  }

  /** The satellite copies what it can when a connection is there. */
  copyKnown(upload: Upload): void {
    upload.status.forEach((status, i) => {
      if (status === BLOCK_STATUS.queuedForCopying) upload.status[i] = BLOCK_STATUS.complete;
    });
  }

  /** A block has arrived; whether it is what its hash says shows after a while. */
  received(upload: Upload, index: number, block: Buffer, isBad: boolean): void {
    upload.status[index] = BLOCK_STATUS.hashing;
    setImmediate(() => {
      const expected = upload.hashes[index];
      if (isBad || (expected && !sha1(block).equals(expected))) return this.mismatch(upload, index);
      upload.blocks[index] = block;
      upload.status[index] = BLOCK_STATUS.complete;
      if (this.noticesTheEnd) this.finishIfComplete(upload);
    });
  }

  /** The fourth one fails the upload. */
  mismatch(upload: Upload, index: number): void {
    upload.status[index] = BLOCK_STATUS.missing;
    upload.mismatches[index]! += 1;
    if (upload.mismatches[index]! >= 4) upload.state = STATE.error;
  }

  finishIfComplete(upload: Upload): void {
    if (upload.state !== STATE.working || upload.status.some((status) => status !== BLOCK_STATUS.complete)) return;
    upload.state = STATE.finished;
    upload.base.versions.push(this.versionOf(upload, !this.finishesInvalid));
    if (this.forgetsFinished) this.uploads.delete(upload.token);
  }

  contentOf(version: StoredVersion): Buffer {
    return Buffer.concat(version.blocks.map((block, i) => block ?? Buffer.alloc(blockLength(version.size, i))));
  }

  private versionOf(upload: Upload, isValid: boolean): StoredVersion {
    const { token: id, size, blocks, hashes, machineDescription, ownerId: uploaderId } = upload;
    return { id, createTime: this.now(), size, blocks, hashes, machineDescription, uploaderId, software: [], isValid };
  }

  private knownBlocks(): Map<string, Buffer> {
    const known = new Map<string, Buffer>();
    for (const { versions } of this.bases.values())
      for (const { hashes, blocks } of versions)
        blocks.forEach((block, i) => block && hashes[i] && known.set(hashes[i].toString('hex'), block));
    return known;
  }
}

export const sha1 = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();

export const blockLength = (size: number, index: number): number => Math.min(BLOCK, size - index * BLOCK);

function blocksOf(content: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(content.length / BLOCK) }, (_, i) => content.subarray(i * BLOCK, (i + 1) * BLOCK));
}
