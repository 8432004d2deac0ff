import { type Digest } from '#libs/contracts';
import { type BlobLedger } from '../blob-ledger.js';
import { type BlobStore, type OpenBlob, type OpenOptions, type StagedBlob, type StageOptions } from '../blob-store.js';
import { Layout } from './layout.js';

/** Blobs as files in a folder. */
export class FilesystemBlobStore implements BlobStore {
  private readonly layout: Layout;

  constructor(
    root: string,
    private readonly ledger: BlobLedger,
  ) {
    this.layout = new Layout(root);
  }

  stage(_options: StageOptions): Promise<StagedBlob> {
    throw new Error('unfinished');
  }
  carryOver(_formerWriter: string, _staged: StagedBlob): Promise<number> {
    throw new Error('unfinished');
  }
  open(_digest: Digest, _options: OpenOptions): Promise<OpenBlob> {
    throw new Error('unfinished');
  }
  stagedWriters(): Promise<string[]> {
    throw new Error('unfinished');
  }
  removeStaged(_writer: string): Promise<void> {
    throw new Error('unfinished');
  }
  removeBytes(_digest: Digest): Promise<void> {
    throw new Error('unfinished');
  }
  check(): Promise<void> {
    void this.layout;
    void this.ledger;
    throw new Error('unfinished');
  }
}
