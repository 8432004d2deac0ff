import { type ImageInspectInfo } from 'dockerode';
import { type Readable } from 'node:stream';
import { withoutTags } from '#libs/image-formats';
import { ViceError } from '#libs/errors';
import { type DeployableImage, type DeploymentReceipt } from '../environment-provider.js';
import { archiveFacts, proofOf } from './archive-facts.js';
import { type Engine } from './engine.js';
import { refuseTakenTag, remarkFormerImage, remarkWishedTag } from './former-image.js';
import { deploymentName, nameText, wishedName, type ImageName } from './image-names.js';
import { notedSource } from '../noted-source.js';
import { comparedReceipt } from './receipt.js';
import { streamMessages } from './stream-messages.js';

/**
 * Loads an image archive into the engine under the deployment's tag. The archive carries that tag itself, so that the engine makes image and tag in
 * one step: what a crash leaves is found by its tag, or is not there.
 */
export async function deployArchive(
  engine: Engine,
  image: DeployableImage,
  marker: string,
  onReference: (reference: string) => Promise<void>,
): Promise<DeploymentReceipt> {
  const name = deploymentName(image.title, marker);
  const wish = wishedName(image.specifics);
  const archive = archiveFacts(await image.facts());
  const inContainerd = await engine.keepsImagesInContainerd();

  await onReference(nameText(name));
  let found = await engine.image(nameText(name));
  if (!found) {
    if (wish) await refuseTakenTag(engine, wish, (there) => proofOf(there, archive, inContainerd) !== null);
    await remarkFormerImage(engine, archive, inContainerd, name, wish);
    found = await load(engine, image, name);
  }
  const receipt = comparedReceipt(found, archive, inContainerd);
  return wish ? tagAsWished(engine, found, name, wish, receipt) : receipt;
}

async function load(engine: Engine, image: DeployableImage, name: ImageName): Promise<ImageInspectInfo> {
  let fault: unknown;
  const archive = withoutTags(
    notedSource(await image.open(), (found) => (fault ??= found)),
    name,
  );
  archive.on('error', (error) => (fault ??= error instanceof ViceError ? error : undefined));
  try {
    await engine.attempt('load the image', async (api) => {
      const answer = await api.loadImage(archive, { quiet: false });
      for await (const { stream } of streamMessages(answer as Readable)) if (stream) image.log(stream);
    });
  } catch (error) {
    throw engine.signal.aborted ? error : (fault ?? error);
  } finally {
    archive.destroy();
  }
  const loaded = await engine.image(nameText(name));
  if (!loaded) throw new ViceError('ENVIRONMENT_FAILED', `the engine took the image, but has none of the name ${nameText(name)}`);
  return loaded;
}

/** Looks once more, because loading took a while. */
export async function tagAsWished(
  engine: Engine,
  found: ImageInspectInfo,
  name: ImageName,
  wish: ImageName,
  { reference, facts }: DeploymentReceipt,
): Promise<DeploymentReceipt> {
  await refuseTakenTag(engine, wish, (there) => there.Id === found.Id);
  await remarkWishedTag(engine, found, name, wish);
  await engine.tag(found.Id, wish);
  const tags = [...new Set([...(facts.tags as string[]), nameText(wish)])];
  return { reference, facts: { ...facts, tags } };
}
