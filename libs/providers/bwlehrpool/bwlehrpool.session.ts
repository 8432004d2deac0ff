import { type Readable } from 'node:stream';
import { type EnvironmentCheck } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import {
  type DeployableImage,
  type DeployedThing,
  type DeploymentReceipt,
  type RemoteImage,
  type RemoteImagePage,
  type ResumableSession,
} from '../environment-provider.js';
import { deployImage } from './deploy-image.js';
import { detailsOf, findVersion } from './find-version.js';
import { describeImage } from './image-import.js';
import { listImportable } from './image-list.js';
import { parseReference } from './image-reference.js';
import { receiptOf } from './receipt.js';
import { removeDeployment, removeImage } from './remove-deployment.js';
import { type Satellite } from './satellite.js';
import { readVersion } from './transfer/download.js';
import { DownloadTickets } from './transfer/download-tickets.js';

/** What can be done with one satellite. References are ids of images or of versions, or `image/version`. */
export class BwlehrpoolSession implements ResumableSession {
  private readonly tickets: DownloadTickets;

  constructor(private readonly satellite: Satellite) {
    this.tickets = new DownloadTickets(satellite);
  }

  async check(): Promise<Pick<EnvironmentCheck, 'message' | 'details'>> {
    const { satellite, me, canListImages, config, version } = await this.satellite.whoWeAre();
    const name = [me.firstName, me.lastName].filter(Boolean).join(' ') || me.userId || 'somebody without a name';
    return {
      message: `${satellite.name} knows you as ${name}${canListImages ? '' : ', who may not list images'}`,
      details: {
        version: Number(version),
        organization: me.organizationId ?? null,
        tls: satellite.tls,
        canListImages,
        maxTransfers: config.maxTransfers ?? null,
        serverSideCopy: config.serverSideCopy ?? null,
      },
    };
  }

  list(page?: string): Promise<RemoteImagePage> {
    return listImportable(this.satellite, page);
  }

  describe(reference: string): Promise<RemoteImage> {
    return describeImage(this.satellite, this.tickets, reference);
  }

  read(image: RemoteImage): Promise<Readable> {
    return this.readFrom(image, 0);
  }

  async readFrom({ reference, size }: RemoteImage, offset: number): Promise<Readable> {
    const { versionId = '' } = parseReference(reference) ?? {};
    return readVersion(this.satellite, this.tickets, { versionId, size: size ?? 0 }, offset);
  }

  async write(
    image: DeployableImage,
    marker: string,
    onReference: (reference: string) => Promise<void>,
  ): Promise<DeploymentReceipt> {
    let noted = image.former;
    const note = async (reference: string) => {
      noted = reference;
      await onReference(reference).catch(async (error: unknown) => {
        const isFenced = error instanceof ViceError && error.code === 'JOB_FENCED';
        if (isFenced && reference !== image.former) await this.takeOwnBack(reference, image);
        throw error;
      });
    };
    try {
      return await deployImage(this.satellite, image, marker, note);
    } catch (error) {
      // Whatever else was the first to fail: the job has to stop, and leaves to another attempt what there is.
      this.satellite.signal.throwIfAborted();
      await this.takeBack(image, marker, noted, ViceError.from(error));
      throw error;
    }
  }

  async verify(reference: string): Promise<DeploymentReceipt | null> {
    try {
      const { details, version } = await findVersion(this.satellite, reference);
      return receiptOf(details, version);
    } catch (error) {
      if (error instanceof ViceError && error.code === 'REMOTE_IMAGE_NOT_FOUND') return null;
      throw error;
    }
  }

  remove(what: DeployedThing): Promise<void> {
    return removeDeployment(this.satellite, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.satellite.leave(await this.tickets.left());
  }

  /** A later attempt is at work by now: what it has made by the same marker is left alone. */
  private async takeOwnBack(reference: string, { log }: DeployableImage): Promise<void> {
    try {
      const details = await detailsOf(this.satellite, parseReference(reference)?.baseId ?? '');
      if (details) await removeImage(this.satellite, details, reference);
    } catch (failure) {
      log(`what was made could not be removed again: ${ViceError.from(failure).message}\n`);
    }
  }

  /** What no later attempt will use is not left behind. What later ones find by its marker stays for them. */
  private async takeBack(
    { title, specifics, log }: DeployableImage,
    marker: string,
    reference: string | undefined,
    error: ViceError,
  ): Promise<void> {
    const useless = !error.transient || error.code === 'RECEIPT_MISMATCH';
    if (!useless || error.code === 'JOB_FENCED') return;
    await this.remove({ marker, title, specifics, ...(reference !== undefined && { reference }) }).catch((failure: unknown) => {
      log(`what was made could not be removed again: ${ViceError.from(failure).message}\n`);
    });
  }
}
