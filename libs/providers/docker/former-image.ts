import { type ImageInspectInfo } from 'dockerode';
import { ViceError } from '#libs/errors';
import { proofOf, type ArchiveFacts } from './archive-facts.js';
import { tagsOf, type Engine } from './engine.js';
import { nameText, type ImageName } from './image-names.js';

/**
 * Remarks for ourselves, kept where they outlive any crash: as one more tag on an image that was on the engine before our deployment.
 * `image-stays`: it had no tag then, so that taking ours away would delete it. `tag-stays`: the tag that the user wished for was on it already.
 * `empty` is an empty image, for the moment in which it takes `image-stays` over.
 */
export const REMARKS = { imageStays: 'image-stays', tagStays: 'tag-stays', empty: 'empty' } as const;

/** Looked through, at most, for the image among the untagged ones; an engine with more is not looked after. */
const MAX_UNTAGGED = 200;

/** Raises ENVIRONMENT_REFUSED where another image has the wished tag. Before the bytes go, what the archive holds decides what is another one. */
export async function refuseTakenTag(
  engine: Engine,
  wish: ImageName,
  isSame: (found: ImageInspectInfo) => boolean,
): Promise<void> {
  const found = await engine.image(nameText(wish));
  if (found && !isSame(found))
    throw new ViceError(
      'ENVIRONMENT_REFUSED',
      `the engine has another image with the tag ${nameText(wish)} already; remove it there, or wish for another tag in specifics.tag`,
    );
}

/** Remarks what has to stay when the deployment is removed. */
export async function remarkFormerImage(
  engine: Engine,
  archive: ArchiveFacts,
  inContainerd: boolean,
  name: ImageName,
  wish: ImageName | null,
): Promise<void> {
  const wished = wish && (await engine.image(nameText(wish)));
  const former = wished ?? (await formerImage(engine, archive, inContainerd));
  if (!former) return;
  const tags = tagsOf(former);
  if (wished) await engine.tag(former.Id, remarked(name, REMARKS.tagStays));
  if (tags.length === 0 || tags.some((tag) => tag.endsWith(`-${REMARKS.imageStays}`)))
    await engine.tag(former.Id, remarked(name, REMARKS.imageStays));
}

async function formerImage(engine: Engine, archive: ArchiveFacts, inContainerd: boolean): Promise<ImageInspectInfo | null> {
  const known = inContainerd ? archive.manifestDigest : archive.configDigest;
  if (known !== null) return engine.image(known);
  const untagged = await engine.attempt('list the untagged images', (api) => api.listImages({ filters: { dangling: ['true'] } }));
  for (const { Id } of untagged.slice(0, MAX_UNTAGGED)) {
    const found = await engine.image(Id);
    if (found && proofOf(found, archive, inContainerd)) return found;
  }
  const remark = (await engine.tags()).filter(({ name }) => name.endsWith(`-${REMARKS.imageStays}`));
  for (const { id } of remark) {
    const found = await engine.image(id);
    if (found && proofOf(found, archive, inContainerd)) return found;
  }
  return null;
}

const remarked = ({ repository, tag }: ImageName, remark: string): ImageName => ({ repository, tag: `${tag}-${remark}` });
