import { createHash } from 'node:crypto';
import { type ImageInspectInfo } from 'dockerode';
import { ViceError } from '#libs/errors';
import { proofOf, type ArchiveFacts } from './archive-facts.js';
import { tagsOf, type Engine } from './engine.js';
import { isMarked, nameOf, nameText, type ImageName } from './image-names.js';

/**
 * Remarks for ourselves, kept where they outlive any crash: as one more tag of the deployment's on its image.
 * `image-stays`: the image was on the engine before, and not by us alone, so that taking our tags away must not delete it.
 * `tag-ours` and what the wished tag is: that tag is the deployment's, and of every other one that has this remark on the image.
 * `empty` is an empty image, for the moment in which it takes `image-stays` over.
 */
export const REMARKS = {
  imageStays: 'image-stays',
  tagOurs: (wish: ImageName) => `tag-ours-${createHash('sha256').update(nameText(wish)).digest('hex').slice(0, 12)}`,
  empty: 'empty',
} as const;

/** Where the id that an image will get is not known, so many of the newest ones are looked at; an engine with more is not looked after. */
const MAX_LOOKED_AT = 500;

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

/** Remarks, before it is loaded once more, that the image has to stay when the deployment is removed. */
export async function remarkFormerImage(
  engine: Engine,
  archive: ArchiveFacts,
  inContainerd: boolean,
  name: ImageName,
  wish: ImageName | null,
): Promise<void> {
  const former = (wish && (await engine.image(nameText(wish)))) ?? (await formerImage(engine, archive, inContainerd));
  if (!former) return;
  const tags = tagsOf(former);
  const others = tags.filter((tag) => !isOurs(tag, tags));
  const stays = tags.length === 0 || others.length > 0 || tags.some((tag) => tag.endsWith(`-${REMARKS.imageStays}`));
  if (stays) await engine.tag(former.Id, remarked(name, REMARKS.imageStays));
}

/** Whether the wished tag is, or would be, one of ours: then it goes with the last deployment that wished for it. */
export async function remarkWishedTag(engine: Engine, found: ImageInspectInfo, name: ImageName, wish: ImageName): Promise<void> {
  const tags = tagsOf(found);
  const wasThere = tags.includes(nameText(wish));
  const byOthersOfOurs = tags.some((tag) => isRemark(tag, REMARKS.tagOurs(wish)));
  if (!wasThere || byOthersOfOurs) await engine.tag(found.Id, remarked(name, REMARKS.tagOurs(wish)));
}

/** A deployment's own tag or remark, or a tag that a deployment wished for. */
const isOurs = (tag: string, all: readonly string[]): boolean =>
  isMarked(tag) || all.some((other) => isRemark(other, REMARKS.tagOurs(nameOf(tag))));

const isRemark = (tag: string, remark: string): boolean => isMarked(tag) && tag.endsWith(`-${remark}`);

async function formerImage(engine: Engine, archive: ArchiveFacts, inContainerd: boolean): Promise<ImageInspectInfo | null> {
  const known = inContainerd ? archive.manifestDigest : archive.configDigest;
  if (known !== null) return engine.image(known);
  const all = await engine.attempt('list the images', (api) => api.listImages());
  for (const { Id } of all.slice(0, MAX_LOOKED_AT)) {
    const found = await engine.image(Id);
    if (found && proofOf(found, archive, inContainerd)) return found;
  }
  return null;
}

const remarked = ({ repository, tag }: ImageName, remark: string): ImageName => ({ repository, tag: `${tag}-${remark}` });
