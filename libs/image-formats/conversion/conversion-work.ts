import { type ContentDigest, type ContentType, type Conversion, type JsonObject } from '#libs/contracts';
import { type InspectableBytes } from '../inspection.js';

/** What a converter is given. The source has passed inspection. */
export interface ConversionWork {
  conversion: Conversion;
  source: {
    /** Absolute path of a file that holds the bytes; not to be written to, and its name says nothing. */
    file: string;
    bytes: InspectableBytes;
    contentDigest: ContentDigest | null;
  };
  /** An empty folder of this work's own, removed afterwards by whoever gave it. */
  folder: string;
  /** More than this the result may not have. */
  maxBytes: number;
  /** About what it may write, as `scratchSpace` has it: so much has been set aside for it. */
  reservedBytes: number;
  signal: AbortSignal;
  /** How much is done, from 0 to 1. */
  progress(fraction: number): void;
  /** Called once the result is complete, before it is looked at again: what else is to be done with it can go on beside that. */
  onConverted?(file: string): void;
  /** Keeps a line with the job. */
  log(text: string): void;
}

/** What a converter has made: a file in its folder. */
export interface Converted {
  file: string;
  contentType: ContentType;
  /** Name and version: `qemu-img 7.2.22`. */
  tool: string;
  /** What it was called with, without the paths of this machine. */
  arguments: string[];
}

/** What is known of a result that was looked at again. */
export interface CheckedResult extends Converted {
  facts: JsonObject;
  contentDigest: ContentDigest | null;
}
