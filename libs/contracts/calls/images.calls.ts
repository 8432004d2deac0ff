import { type Image } from '../api/image.js';
import { type Job } from '../api/job.js';
import { type Variant } from '../api/variant.js';
import { type Subformat } from '../conversions.js';
import {
  type ContentDigest,
  type ContentType,
  type Digest,
  type ImageType,
  type JsonObject,
  type Visibility,
} from '../vocabulary.js';
import { callTo, type Empty } from './call.js';
import { type EnvironmentDraft } from './environments.calls.js';

/** An image as a client wrote it. Absent stays, `null` clears. */
export interface ImageDraft {
  title?: string | null;
  description?: string | null;
  tags?: string[] | null;
  visibility?: Visibility | null;
  imagetype?: ImageType | null;
  contenttype?: ContentType | null;
  environmentReference?: string | null;
  specifics?: JsonObject | null;
  /** `known` where the client gave an id (whatever text it is), `inline` where it described a new one. */
  originEnvironment?: { known: string } | { inline: EnvironmentDraft } | null;
}

export const IMAGE_SORTS = ['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'title', '-title', 'size', '-size'] as const;
export type ImageSort = (typeof IMAGE_SORTS)[number];

export interface ImageQuery {
  /** Full text over title, description and tags. */
  q?: string;
  contenttype?: ContentType;
  imagetype?: ImageType;
  tag?: string;
  contentDigest?: ContentDigest;
  /** 1 to 1000. */
  limit: number;
  /** What a former page gave as `next`. */
  cursor?: string;
  sort: ImageSort;
}

export interface ImagePage {
  images: Image[];
  next: string | null;
  /** Exact to 1,000, an estimate above. */
  total: number;
}

/** In what form content is asked for. `subformat` only with disk-vmdk; null: any. */
export interface VariantWish {
  contentType: ContentType;
  subformat: Subformat | null;
}

/** The content of an image as a download needs it. The blob is pinned for `holder`. */
export interface ImageContent {
  digest: Digest;
  size: number;
  contentType: ContentType;
  title: string | null;
}

export const ImageCalls = {
  findImages: callTo<{ userId: string | null; query: ImageQuery }, ImagePage>('registry', 'image.find'),
  createImage: callTo<{ userId: string; image: ImageDraft }, Image>('registry', 'image.create'),
  updateImage: callTo<{ userId: string; imageId: string; image: ImageDraft }, Image>('registry', 'image.update'),
  getImage: callTo<{ userId: string | null; imageId: string }, Image>('registry', 'image.get'),
  deleteImage: callTo<{ userId: string; imageId: string }, Empty>('registry', 'image.delete'),
  /** Raises IMAGE_NOT_FOUND or FORBIDDEN before a byte of an upload is read. */
  beginUpload: callTo<{ userId: string; imageId: string }, Empty>('registry', 'image.upload.begin'),
  /** The bytes are published under `digest`, reserved by `writer`: takes the next generation and starts the inspection. */
  commitUpload: callTo<{ userId: string; imageId: string; writer: string; digest: Digest; size: number }, Empty>(
    'registry',
    'image.upload.commit',
  ),
  /** Raises IMAGE_HAS_NO_CONTENT where there is nothing to download yet. */
  openContent: callTo<{ userId: string | null; imageId: string; holder: string }, ImageContent>('registry', 'image.content'),
  /** The original first, then what was derived from it, oldest first; empty where there is no content. */
  findVariants: callTo<{ userId: string | null; imageId: string }, Variant[]>('registry', 'image.variants'),
  /**
   * The content in a wished form, its blob pinned for `holder`; else the job that makes it: one that lives already, or with `make` a new one.
   * Raises IMAGE_HAS_NO_CONTENT (without `make` also where nobody makes it), NOT_CONVERTIBLE, TOOLS_MISSING, and UNAUTHENTICATED where a job
   * would be needed and nobody has logged in.
   */
  openVariant: callTo<
    { userId: string | null; imageId: string; holder: string; wish: VariantWish; make: boolean },
    { content: ImageContent } | { job: Job }
  >('registry', 'image.variant.content'),
};
