import {
  type ContentDigest,
  type ContentType,
  type Conversion,
  type Digest,
  type JsonObject,
  type Subformat,
} from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { conversionOf } from '../conversions/conversion-plan.js';
import { type Original } from '../conversions/variants.js';
import { type JobEntity } from '../database/index.js';

/** What the row of a conversion job says of its work. */
export interface ConvertDetails {
  /** What the result is kept under: the digest of the original, what that was taken for, and all recipes since. */
  original: Digest;
  originalContentType: ContentType;
  chain: string;
  /** The one conversion of this job. */
  recipe: string;
  source: { size: number; contentType: ContentType; contentDigest: ContentDigest | null };
  /** The recipes that follow. */
  then: string[];
  /** What a download asked for; absent where a deployment needs it. */
  wish?: { contentType: ContentType; subformat: Subformat | null };
}

/** What is locked while the making of one form of an image begins: one job at a time makes it. */
export const makingKey = (imageId: string, { contentType, subformat }: NonNullable<ConvertDetails['wish']>): string =>
  `${imageId} ${contentType} ${subformat ?? ''}`;

export const convertDetails = (job: JobEntity): ConvertDetails => job.details as unknown as ConvertDetails;

export const asDetails = (details: ConvertDetails): JsonObject => JSON.parse(JSON.stringify(details)) as JsonObject;

export const originalIn = ({ original, originalContentType }: ConvertDetails): Original => ({
  digest: original,
  contentType: originalContentType,
});

export const conversionsAfter = ({ then }: ConvertDetails): Conversion[] => then.map(conversionNamed);

/** Raises where it is of another release: the job is tried again, by a registry that knows it. */
export function conversionNamed(recipe: string): Conversion {
  const conversion = conversionOf(recipe);
  if (!conversion) throw new ViceError('UNAVAILABLE', `this release knows no conversion ${recipe}`);
  return conversion;
}
