import { type ImageDraft } from '#libs/contracts';
import { type ImageEntity } from '../database/index.js';

/** What a client may change of an image; its origin already looked up. */
export type ImageContentOf = Pick<
  ImageEntity,
  | 'title'
  | 'description'
  | 'tags'
  | 'visibility'
  | 'imagetype'
  | 'contenttype'
  | 'saidContenttype'
  | 'specifics'
  | 'originEnvironmentId'
  | 'environmentReference'
>;

/** An image of which nothing is said yet. */
export const BLANK: ImageContentOf & Pick<ImageEntity, 'digest'> = {
  title: null,
  description: null,
  tags: [],
  visibility: 'private',
  imagetype: null,
  contenttype: null,
  saidContenttype: null,
  specifics: {},
  originEnvironmentId: null,
  environmentReference: null,
  digest: null,
};

/** What else decides what a change sets off. */
export interface ImageSituation extends ImageContentOf, Pick<ImageEntity, 'status' | 'digest'> {
  /** The live job of the image's generation. */
  flight: 'import' | 'inspect' | null;
  /** Whether the image's generation began with an import. */
  importedLast: boolean;
}

/**
 * - `import`: bring the content from the origin, as a new generation
 * - `withdraw`: what the import would bring, or failed to bring, is no longer wanted
 * - `inspect-arrived`: look again at what is being inspected, as another content type
 * - `inspect-content`: look again at the content there is
 */
export type ImageStep = 'import' | 'withdraw' | 'inspect-arrived' | 'inspect-content' | null;

/** What an image becomes by a draft: absent stays, `null` clears. The content type it has is shown until inspection has found another. */
export function changed(
  before: ImageContentOf & Pick<ImageEntity, 'digest'>,
  draft: ImageDraft,
  originEnvironmentId: string | null,
): ImageContentOf {
  const said = pick(draft.contenttype, before.saidContenttype);
  const shown = before.digest === null ? pick(draft.contenttype, before.contenttype) : before.contenttype;
  return {
    title: pick(draft.title, before.title),
    description: pick(draft.description, before.description),
    tags: pick(draft.tags, before.tags) ?? [],
    visibility: pick(draft.visibility, before.visibility) ?? 'private',
    imagetype: pick(draft.imagetype, before.imagetype),
    contenttype: shown,
    saidContenttype: said,
    specifics: pick(draft.specifics, before.specifics) ?? {},
    environmentReference: pick(draft.environmentReference, before.environmentReference),
    originEnvironmentId,
  };
}

/** What a change sets off. */
export function stepAfter(before: ImageSituation, after: ImageContentOf): ImageStep {
  const importFailed = before.status === 'failed' && before.importedLast;
  const originChanged =
    before.originEnvironmentId !== after.originEnvironmentId || before.environmentReference !== after.environmentReference;
  if (hasOrigin(after)) {
    if (originChanged || importFailed) return 'import';
  } else if (originChanged && (before.flight === 'import' || importFailed)) {
    return 'withdraw';
  }
  return before.saidContenttype === after.saidContenttype ? null : stepAfterSaying(before, after);
}

/** The user says something else of the content type. */
function stepAfterSaying(before: ImageSituation, after: ImageContentOf): ImageStep {
  if (before.flight === 'inspect') return 'inspect-arrived';
  if (before.flight === 'import' || before.digest === null) return null;
  const doubted = after.saidContenttype !== null && after.saidContenttype !== before.contenttype;
  return doubted || before.status === 'failed' ? 'inspect-content' : null;
}

/** Whether there is somewhere to import from. */
export function hasOrigin(image: Pick<ImageEntity, 'originEnvironmentId' | 'environmentReference'>): boolean {
  return image.originEnvironmentId !== null && image.environmentReference !== null && image.environmentReference !== '';
}

const pick = <T>(drafted: T | undefined, before: T): T => (drafted === undefined ? before : drafted);
