import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { labelledContext, labelledDockerfile, type ContextLabel } from '#libs/image-formats';
import { ViceError } from '#libs/errors';
import { type DeployableImage, type DeploymentReceipt } from '../environment-provider.js';
import { textOf } from '../specifics.js';
import { tagAsWished } from './deploy-archive.js';
import { type Engine } from './engine.js';
import { EngineAnswer } from './engine-errors.js';
import { refuseTakenTag } from './former-image.js';
import { deploymentName, nameText, wishedName, type ImageName } from './image-names.js';
import { notedSource } from '../noted-source.js';
import { receiptOf } from './receipt.js';
import { streamMessages } from './stream-messages.js';

/**
 * The label of every image that a build of ours makes, those between its steps too: the deployment's id. By it they are found again whatever becomes of
 * the build, and the engine's cache never takes an image of somebody else for one of ours. (What the ONBUILD of a base image makes comes before it.)
 */
export const BUILT_LABEL = 'vice.deployment';

/**
 * Builds a Dockerfile, or a build context, on the engine itself under the deployment's tag. `specifics.networkMode` is for its RUN steps; what is
 * absent is as the engine does it. There is nothing to compare the result with.
 */
export async function deployDockerFile(
  engine: Engine,
  image: DeployableImage,
  marker: string,
  onReference: (reference: string) => Promise<void>,
): Promise<DeploymentReceipt> {
  const name = deploymentName(image.title, marker);
  const wish = wishedName(image.specifics);
  await onReference(nameText(name));
  let found = await engine.image(nameText(name));
  if (!found) {
    if (wish) await refuseTakenTag(engine, wish, () => false);
    await build(engine, image, name, marker);
    found = await engine.image(nameText(name));
  }
  if (!found) throw new ViceError('ENVIRONMENT_FAILED', `the engine built the image, but has none of the name ${nameText(name)}`);
  const receipt = receiptOf(found);
  return wish ? tagAsWished(engine, found, name, wish, receipt) : receipt;
}

async function build(engine: Engine, image: DeployableImage, name: ImageName, marker: string): Promise<void> {
  let fault: unknown;
  const dockerfile = `.vice-${marker}.Dockerfile`;
  const context = await buildContext(image, { label: BUILT_LABEL, value: marker, dockerfile }, (found) => (fault ??= found));
  context.on('error', (error) => (fault ??= error instanceof ViceError ? error : undefined));
  const networkmode = textOf(image.specifics, 'networkMode');
  const options = {
    t: nameText(name),
    dockerfile,
    rm: true,
    forcerm: true,
    ...(networkmode && { networkmode }),
  };
  try {
    await engine.attempt('build the image', async (api) => {
      const answer = await api.buildImage(context, options);
      for await (const { stream, status } of streamMessages(answer as Readable)) image.log(stream ?? `${status ?? ''}\n`);
    });
  } catch (error) {
    if (fault !== undefined && !engine.signal.aborted) throw fault;
    const said = (error as Error).cause;
    throw error instanceof ViceError && said instanceof EngineAnswer && said.inStream
      ? new ViceError('ENVIRONMENT_REFUSED', `the build failed: ${said.message}`, { cause: said })
      : error;
  } finally {
    context.destroy();
  }
}

/** A tar of a build context; a Dockerfile alone as a context with nothing else in it. */
async function buildContext(image: DeployableImage, label: ContextLabel, note: (fault: unknown) => void): Promise<Readable> {
  const { form } = await image.facts();
  const source = notedSource(await image.open(), note);
  if (form === 'context') return labelledContext(source, label);
  const context = pack();
  context.entry({ name: label.dockerfile }, labelledDockerfile(await text(source), label.label, label.value));
  context.entry({ name: '.dockerignore' }, `${label.dockerfile}\n.dockerignore\n`);
  context.finalize();
  return Readable.from(context);
}
