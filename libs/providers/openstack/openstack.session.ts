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
  type ResumableSession,
} from '../environment-provider.js';
import { bootServer, bootWish, removeServers } from './boot-server.js';
import { type Cloud } from './cloud.js';
import { ComputeService, SERVER } from './compute-service.js';
import { deploymentRecords } from './deployment-records.js';
import { deployDisk } from './image-deploy.js';
import { describeImage, readImage } from './image-import.js';
import { listImportable } from './image-list.js';
import { DISK_FORMATS } from './image-record.js';
import { ImageService } from './image-service.js';
import { receiptOf } from './receipt.js';
import { disposeSnapshots, snapshotServer } from './server-import.js';

/** What can be done with one project of an OpenStack cloud. References are ids and names of images, and `server:<id>`. */
export class OpenStackSession implements PreparingSession, ResumableSession {
  private readonly images: ImageService;
  private readonly compute: ComputeService;
  private readonly signal: AbortSignal;

  constructor(private readonly cloud: Cloud) {
    this.images = new ImageService(cloud);
    this.compute = new ComputeService(cloud);
    this.signal = cloud.http.signal;
  }

  async check(): Promise<Pick<EnvironmentCheck, 'message' | 'details'>> {
    const { projectName: project, projectId, username } = await this.cloud.scoped();
    const imageApi = await this.images.version();
    await this.images.page({ limit: 1 });
    const { region } = this.cloud.settings;
    return {
      message: `OpenStack project ${project} as ${username}${region === null ? '' : `, region ${region}`}; image API ${imageApi}`,
      details: { project, projectId, username, region, imageApi, servers: await this.compute.isThere() },
    };
  }

  list(page?: string): Promise<RemoteImagePage> {
    return listImportable(this.images, this.compute, page);
  }

  describe(reference: string): Promise<RemoteImage> {
    return describeImage(this.images, reference);
  }

  async read(image: RemoteImage): Promise<Readable> {
    return readImage(this.images, image, 0, this.signal);
  }

  async readFrom(image: RemoteImage, offset: number): Promise<Readable> {
    return readImage(this.images, image, offset, this.signal);
  }

  needsPreparation(reference: string): boolean {
    return reference.startsWith(SERVER);
  }

  prepare(reference: string, marker: string): Promise<RemoteImage> {
    return snapshotServer(this.images, this.compute, reference, marker, this.signal);
  }

  dispose(marker: string): Promise<void> {
    return disposeSnapshots(this.images, marker);
  }

  async write(
    image: DeployableImage,
    marker: string,
    onReference: (reference: string) => Promise<void>,
  ): Promise<DeploymentReceipt> {
    if (DISK_FORMATS[image.contentType] === undefined)
      throw new ViceError('NOT_DEPLOYABLE', `OpenStack takes ${Object.keys(DISK_FORMATS).join(', ')}, not ${image.contentType}`);
    const wish = bootWish(image.specifics);
    if (wish && !(await this.compute.isThere()))
      throw new ViceError('ENVIRONMENT_MISCONFIGURED', 'the cloud has no compute service to start a server in (specifics.boot)');
    let isNoted = false;
    const note = (reference: string) => ((isNoted = true), onReference(reference));
    try {
      const receipt = await deployDisk(this.images, image, marker, note, this.signal);
      if (!wish) return receipt;
      const what = { imageId: receipt.reference, title: image.title, marker };
      const { id, name, status } = await bootServer(this.compute, wish, what, this.signal);
      return { ...receipt, facts: { ...receipt.facts, server: { id, name, status } } };
    } catch (error) {
      if (isNoted) await this.takeBack(image, marker, ViceError.from(error));
      throw error;
    }
  }

  async verify(reference: string): Promise<DeploymentReceipt | null> {
    const found = await this.images.find(reference);
    return found && receiptOf(found);
  }

  async remove({ marker, reference, specifics }: DeployedThing): Promise<void> {
    const mayHaveServers = 'boot' in specifics && (await this.compute.isThere());
    if (mayHaveServers) await removeServers(this.compute, marker, this.signal);
    for (const { id } of await deploymentRecords(this.images, marker, reference)) await this.images.remove(id);
  }

  /** Nothing stays open between two questions. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /** What no later attempt will use is not left behind. What later ones find by its marker stays for them. */
  private async takeBack({ title, specifics, log }: DeployableImage, marker: string, error: ViceError): Promise<void> {
    const useless = !error.transient || error.code === 'RECEIPT_MISMATCH';
    if (!useless || this.signal.aborted || error.code === 'JOB_FENCED') return;
    await this.remove({ marker, title, specifics }).catch((failure: unknown) => {
      log(`what was made could not be removed again: ${ViceError.from(failure).message}\n`);
    });
  }
}
