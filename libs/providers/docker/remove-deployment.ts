import { Readable } from 'node:stream';
import { type JsonObject } from '#libs/contracts';
import { type DeployedThing } from '../environment-provider.js';
import { BUILT_LABEL } from './deploy-docker-file.js';
import { type Engine } from './engine.js';
import { REMARKS } from './former-image.js';
import { deploymentName, nameOf, nameText, wishedName, type ImageName } from './image-names.js';
import { streamMessages } from './stream-messages.js';

const EMPTY_TAR = Buffer.alloc(1024);

/**
 * Takes the tags of a deployment away, while they point at its image; never by id, never by force. With the last tag the engine drops the image. One that
 * was there before without a tag stays without one. The order makes it safe to begin again after a crash: remarks go last.
 */
export async function removeDeployment(engine: Engine, { reference, marker, title, specifics }: DeployedThing): Promise<void> {
  const { repository, tag: mark } = deploymentName(title, marker);
  const tags = await engine.tags();
  const ours = (suffix: string) => tags.find(({ name }) => name === `${repository}:${mark}${suffix}`);
  const main = ours('');
  const imageStays = ours(`-${REMARKS.imageStays}`);
  const leftEmpty = ours(`-${REMARKS.empty}`);
  const imageId = isImageId(reference) ? reference : (main ?? imageStays)?.id;

  const wish = heededWish(specifics);
  if (wish) await removeWishedTag(engine, wish, imageId, tags, `${repository}:${mark}-${REMARKS.tagOurs(wish)}`);
  if (main && main.id === imageId) await engine.untag(main.name);
  if (imageStays) {
    const empty = `${imageStays.name.slice(0, -REMARKS.imageStays.length)}${REMARKS.empty}`;
    await moveToEmptyImage(engine, imageStays.name, empty);
    await engine.untag(imageStays.name);
    await engine.untag(empty);
  }
  if (leftEmpty) await engine.untag(leftEmpty.name);
  await removeBuilt(engine, marker);
}

/** While it points at our image and is ours: another deployment that wished for it keeps it, and so does a user who had it before. */
async function removeWishedTag(
  engine: Engine,
  wish: ImageName,
  imageId: string | undefined,
  tags: readonly { name: string; id: string }[],
  ownRemark: string,
): Promise<void> {
  const own = tags.find(({ name }) => name === ownRemark);
  if (!own) return;
  const others = tags.filter(({ name, id }) => name !== own.name && id === own.id && name.endsWith(`-${REMARKS.tagOurs(wish)}`));
  const wished = tags.find(({ name }) => name === nameText(wish));
  if (others.length === 0 && wished && wished.id === (imageId ?? own.id)) await engine.untag(wished.name);
  await engine.untag(own.name);
}

/** A wish that names no image was refused before anything was made: nothing of it is to be taken away. */
function heededWish(specifics: JsonObject): ImageName | null {
  try {
    return wishedName(specifics);
  } catch {
    return null;
  }
}

/**
 * What the build made and nobody tagged, from the last step to the first: an image can go when none stands on it any more. A build that was cut off may
 * still be ending: its container keeps the image of the step before, which raises ENVIRONMENT_BUSY, and so removing is tried again.
 */
async function removeBuilt(engine: Engine, marker: string): Promise<void> {
  const filters = { dangling: ['true'], label: [`${BUILT_LABEL}=${marker}`] };
  const removed = new Set<string>();
  for (;;) {
    const found = await engine.attempt('list the images of the build', (api) => api.listImages({ filters }));
    const left = found.filter(({ Id }) => !removed.has(Id));
    if (left.length === 0) return;
    for (const { Id } of left) {
      await engine.untag(Id);
      removed.add(Id);
    }
  }
}

/**
 * An engine deletes an image with its last tag; but a tag that moves to another image leaves the former one untagged.
 * (Importing under the name at once would do on classic stores; with containerd the former image would go.)
 */
async function moveToEmptyImage(engine: Engine, name: string, empty: string): Promise<void> {
  const { repository: repo, tag } = nameOf(empty);
  await engine.attempt('import an empty image', async (api) => {
    const answer = await api.importImage(Readable.from([EMPTY_TAR]), { repo, tag });
    for await (const said of streamMessages(answer as Readable)) void said;
  });
  await engine.tag(empty, nameOf(name));
}

const isImageId = (reference: string | undefined): reference is string => /^sha256:[0-9a-f]{64}$/.test(reference ?? '');
