import { type Readable } from 'node:stream';
import { type EnvironmentCheck } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import {
  type DeployableImage,
  type DeployedThing,
  type DeploymentReceipt,
  type PreparingSession,
  type RemoteImage,
  type RemoteImagePage,
} from '../environment-provider.js';
import { commitContainer, CONTAINER, disposeCommit } from './container-import.js';
import { deployArchive } from './deploy-archive.js';
import { deployDockerFile } from './deploy-docker-file.js';
import { type Engine, type EngineInfo } from './engine.js';
import { describeImage, readImage } from './image-import.js';
import { listImportable } from './image-list.js';
import { isReference } from './image-names.js';
import { receiptOf } from './receipt.js';
import { removeDeployment } from './remove-deployment.js';

/** What can be done with one Docker Engine. References are names and ids of images, and `container:<name or id>`. */
export class DockerSession implements PreparingSession {
  constructor(private readonly engine: Engine) {}

  async check(): Promise<Pick<EnvironmentCheck, 'message' | 'details'>> {
    const { Version, ApiVersion, Os, Arch } = await this.engine.version();
    const info = await this.engine.attempt('ask the engine about itself', (api) => api.info() as Promise<EngineInfo>);
    return {
      message: `Docker Engine ${Version} on ${Os}/${Arch}`,
      details: { version: Version, apiVersion: ApiVersion, os: Os, architecture: Arch, storageDriver: info.Driver ?? null },
    };
  }

  list(page?: string): Promise<RemoteImagePage> {
    return listImportable(this.engine, page);
  }

  describe(reference: string): Promise<RemoteImage> {
    return describeImage(this.engine, reference);
  }

  read(image: RemoteImage): Promise<Readable> {
    return readImage(this.engine, image.reference);
  }

  needsPreparation(reference: string): boolean {
    return reference.startsWith(CONTAINER);
  }

  prepare(reference: string, marker: string): Promise<RemoteImage> {
    return commitContainer(this.engine, reference, marker);
  }

  dispose(marker: string): Promise<void> {
    return disposeCommit(this.engine, marker);
  }

  async write(
    image: DeployableImage,
    marker: string,
    onReference: (reference: string) => Promise<void>,
  ): Promise<DeploymentReceipt> {
    const deploy = { 'docker-image': deployArchive, 'docker-file': deployDockerFile }[image.contentType as string];
    if (!deploy)
      throw new ViceError('NOT_DEPLOYABLE', `a Docker Engine takes docker-image and docker-file, not ${image.contentType}`);
    try {
      return await deploy(this.engine, image, marker, onReference);
    } catch (error) {
      await this.takeBack(image, marker, ViceError.from(error));
      throw error;
    }
  }

  async verify(reference: string): Promise<DeploymentReceipt | null> {
    const found = isReference(reference) ? await this.engine.image(reference) : null;
    return found && receiptOf(found);
  }

  remove(what: DeployedThing): Promise<void> {
    return removeDeployment(this.engine, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }

  /** What no later attempt will use is not left behind. What later ones find by its tag stays for them. */
  private async takeBack({ title, specifics, log }: DeployableImage, marker: string, error: ViceError): Promise<void> {
    const useless = !error.transient || error.code === 'RECEIPT_MISMATCH';
    if (!useless || this.engine.signal.aborted || error.code === 'JOB_FENCED') return;
    await this.remove({ marker, title, specifics }).catch((failure: unknown) => {
      log(`what was made could not be removed again: ${ViceError.from(failure).message}\n`);
    });
  }
}
