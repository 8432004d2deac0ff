import { type Readable } from 'node:stream';
import { type ContentDigest, type ContentType, type JsonObject } from '#libs/contracts';

/** Random and sequential access to the bytes under inspection; the blob store's readers satisfy it. */
export interface InspectableBytes {
  readonly size: number;
  /** Shorter than `length` only at the end. `into` may be used for the bytes: what is answered is then a part of it. */
  read(position: number, length: number, into?: Buffer): Promise<Buffer>;
  /** All bytes from the start; destroyed by the inspection when that ends early. */
  stream(): Readable;
}

/** What inspection found. `facts` is plain JSON, its keys depend on the content type: see the inspector of each format. */
export interface Inspection {
  contentType: ContentType;
  facts: JsonObject;
  /** null for what is no disk. */
  contentDigest: ContentDigest | null;
}

/** Bounds on what a hostile image can make us, or who uses it later, spend. All in bytes but the ratio and the counts. */
export interface InspectionLimits {
  /** The disk as its guest sees it. */
  maxVirtualBytes: number;
  /** All that an archive expands to, its layers together. */
  maxExpandedBytes: number;
  /** Beyond `freeExpansionBytes`, an archive may not expand to more than so many times its compressed size. */
  maxExpansionRatio: number;
  freeExpansionBytes: number;
  /** One Dockerfile or Packer template. */
  maxTextBytes: number;
  /** One JSON document within an archive; eight times this for all of them together. */
  maxDocumentBytes: number;
  /** What is kept of an inspection, as JSON: it goes through the broker into the database. */
  maxFactsBytes: number;
  /** Entries of an image archive itself, not those within its layers. */
  maxArchiveEntries: number;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;

export const DEFAULT_LIMITS: InspectionLimits = {
  maxVirtualBytes: 16 * TiB,
  maxExpandedBytes: TiB,
  maxExpansionRatio: 200,
  freeExpansionBytes: 4 * GiB,
  maxTextBytes: MiB,
  maxDocumentBytes: 8 * MiB,
  maxFactsBytes: MiB,
  maxArchiveEntries: 10_000,
};

/** One content type's own part of the work, a row in the table of `inspect.ts`. */
export interface FormatInspector {
  /** What a user calls it: "a qcow2 disk". */
  readonly label: string;
  /** Whether content that begins and ends so can be this at all; the rest is for `inspect` to judge. */
  canBe(head: Buffer, end: Buffer): boolean;
  /** Throws a ViceError CONTENT_INVALID, CONTENT_TRUNCATED or CONTENT_REFUSED, whose message names the reason. */
  inspect(bytes: InspectableBytes, limits: InspectionLimits, signal?: AbortSignal): Promise<Inspection['facts']>;
}
