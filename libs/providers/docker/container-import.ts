import { ViceError } from '#libs/errors';
import { type RemoteImage } from '../environment-provider.js';
import { type Engine } from './engine.js';
import { describedImage } from './image-import.js';
import { isReference, TEMPORARY_REPOSITORY } from './image-names.js';

/** What a reference to a container begins with. */
export const CONTAINER = 'container:';

/**
 * A container as an image: committed under the marker, or found there when a former attempt did so, because two commits of one container differ.
 * A running container is paused meanwhile.
 */
export async function commitContainer(engine: Engine, reference: string, marker: string): Promise<RemoteImage> {
  const container = reference.slice(CONTAINER.length);
  const former = await engine.image(temporaryName(marker));
  if (former) return describedImage(former, container);
  if (!isReference(container)) throw noContainer(container);
  await engine
    .attempt(`commit the container ${container}`, (api) =>
      api.getContainer(container).commit({ repo: TEMPORARY_REPOSITORY, tag: marker, comment: 'for import into ViCE' }),
    )
    .catch((error: ViceError) => {
      throw error.code === 'REMOTE_IMAGE_NOT_FOUND' ? noContainer(container) : error;
    });
  const committed = await engine.image(temporaryName(marker));
  if (!committed) throw new ViceError('ENVIRONMENT_FAILED', `the engine lost the commit of the container ${container}`);
  return describedImage(committed, container);
}

export async function disposeCommit(engine: Engine, marker: string): Promise<void> {
  await engine.untag(temporaryName(marker));
}

const temporaryName = (marker: string) => `${TEMPORARY_REPOSITORY}:${marker}`;

const noContainer = (container: string) => new ViceError('REMOTE_IMAGE_NOT_FOUND', `the engine has no container "${container}"`);
