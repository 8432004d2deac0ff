import { ViceError } from '#libs/errors';
import { type DeployableImage, type DeploymentReceipt } from '../environment-provider.js';
import { Satellite as Calls } from './calls/methods.js';
import { type ImageDetails } from './calls/structs.js';
import { isUnexplained } from './errors/call-errors.js';
import { findDeployed } from './find-deployed.js';
import { detailsOf, versionIn } from './find-version.js';
import { finishedName, markedDescription, nameInTheMaking } from './image-names.js';
import { notedReference, parseReference } from './image-reference.js';
import { keptOf, planMachine, type MachinePlan } from './machine/machine-plan.js';
import { operatingSystems } from './operating-systems.js';
import { NO_RIGHTS } from './permissions.js';
import { comparedReceipt, isWhole } from './receipt.js';
import { removeImage } from './remove-deployment.js';
import { type Satellite } from './satellite.js';
import { blockHashes } from './transfer/block-hashes.js';
import { portOf } from './transfer/transfer-port.js';
import { upload, type UploadTicket } from './transfer/upload.js';
import { uploadStatus } from './transfer/upload-status.js';

const SHARED_NOWHERE = 0;

type Note = (reference: string) => Promise<void>;

/** An upload that the satellite knows, for the image that is being made. */
interface Begun {
  baseId: string;
  ticket: UploadTicket;
}

/** Makes an image of its own for the deployment, or goes on with what a former attempt made of it. */
export async function deployImage(
  satellite: Satellite,
  image: DeployableImage,
  marker: string,
  onReference: Note,
): Promise<DeploymentReceipt> {
  const { imageSpecifics, contentType } = image;
  const disk = { contentType, imageSpecifics, facts: await image.facts() };
  const plan = planMachine(disk, await operatingSystems(satellite));
  await refuseTooLarge(satellite, image);
  const hashes = await blockHashes(image, satellite.signal);

  const finish = async (baseId: string, versionId: string): Promise<DeploymentReceipt> => {
    const receipt = comparedReceipt(await existing(satellite, baseId), versionId, image, hashes);
    await publish(satellite, baseId, image, marker, plan);
    return receipt;
  };
  const former = await formerAttempt(satellite, image, marker);
  if (former.finished) return finish(former.finished.baseId, former.finished.versionId);
  const { baseId, ticket } = former.begun ?? (await begin(satellite, image, marker, plan));
  await onReference(notedReference(baseId, ticket));
  if (!former.begun) image.log(saidOf(plan));
  await sendHashes(satellite, ticket, hashes);
  const end = await upload(satellite, ticket, image);
  // It may have been finished before it was forgotten.
  const isDone = end === 'finished' || (end === 'lost' && hasWhole(await detailsOf(satellite, baseId), ticket.token, image.size));
  if (isDone) return finish(baseId, ticket.token);
  throw await thrownAway(satellite, baseId, ticket, end);
}

/**
 * What a former attempt came to. Its image is found by its marker; its upload, and the version that came of it, by the id that was noted, which no one else may
 * see, because whoever has it may send other bytes. Images with which nothing can be done any more are removed.
 */
async function formerAttempt(
  satellite: Satellite,
  { size, former }: DeployableImage,
  marker: string,
): Promise<{ finished?: { baseId: string; versionId: string }; begun?: Begun }> {
  const found = await findDeployed(satellite, marker, former);
  const noted = former === undefined ? null : parseReference(former);
  const ours = noted && found.find(({ imageBaseId }) => imageBaseId === noted.baseId);
  if (noted && ours) {
    const { baseId, versionId, port } = noted;
    if (hasWhole(ours, versionId, size)) return { finished: { baseId, versionId } };
    // Whether the version is listed says nothing: a satellite may list it from the request on.
    if (port !== undefined) {
      const { state } = await uploadStatus(satellite, versionId, size);
      if (state === 'idle' || state === 'working') return { begun: { baseId, ticket: { token: versionId, port } } };
      // It may have come to its end after the look at its image.
      if (hasWhole(await detailsOf(satellite, baseId), versionId, size)) return { finished: { baseId, versionId } };
    }
  }
  for (const useless of found) await removeImage(satellite, useless, former);
  return {};
}

async function begin(satellite: Satellite, image: DeployableImage, marker: string, plan: MachinePlan): Promise<Begun> {
  const name = nameInTheMaking(image.title, marker);
  const baseId = await satellite.call(Calls.createImage, { name }, 'create an image');
  await describeBase(satellite, baseId, plan, {
    imageName: name,
    description: descriptionOf(image, marker),
    defaultPermissions: NO_RIGHTS,
  });
  const machineDescription = Buffer.from(plan.machineDescription);
  const information = await satellite.call(
    Calls.requestImageVersionUpload,
    // Without hashes, because only then does the satellite not ask for blocks of zeros.
    { imageBaseId: baseId, fileSize: BigInt(image.size), machineDescription },
    'begin to upload the image',
  );
  if (!information.token) throw new ViceError('ENVIRONMENT_FAILED', `${satellite.name} began an upload without a token`);
  const { satellite: server } = await satellite.whoWeAre();
  return { baseId, ticket: { token: information.token, port: portOf(information, server) } };
}

/** All of them before the first byte: what the satellite has no hash of, it would take unchecked. */
async function sendHashes(satellite: Satellite, { token }: UploadTicket, blockHashes: Buffer[]): Promise<void> {
  await satellite.call(Calls.updateBlockHashes, { uploadToken: token, blockHashes }, 'tell the hashes of the image');
}

/** The image gets its own name, and those may use it whom the user lets. Until now it was nobody's but the user's. */
async function publish(satellite: Satellite, imageBaseId: string, image: DeployableImage, marker: string, plan: MachinePlan) {
  const { everybody, users } = satellite.settings().permissions;
  if (users.size > 0)
    await satellite.call(Calls.writeImagePermissions, { imageBaseId, permissions: users }, 'set the permissions of users');
  await describeBase(satellite, imageBaseId, plan, {
    imageName: finishedName(image.title),
    description: descriptionOf(image, marker),
    defaultPermissions: everybody,
  });
}

async function describeBase(
  satellite: Satellite,
  imageBaseId: string,
  { osId, virtId }: MachinePlan,
  texts: { imageName: string; description: string; defaultPermissions: typeof NO_RIGHTS },
): Promise<void> {
  const image = { ...texts, osId, virtId, isTemplate: false, shareMode: SHARED_NOWHERE };
  await satellite.call(Calls.updateImageBase, { imageBaseId, image }, 'describe the image').catch((error: unknown) => {
    if (!isUnexplained(error)) throw error;
    throw new ViceError(
      'ENVIRONMENT_REFUSED',
      `could not describe the image: ${satellite.name} does not know the virtualizer "${virtId}" or the operating system ${osId}`,
      { cause: error },
    );
  });
}

const descriptionOf = ({ imageSpecifics }: DeployableImage, marker: string): string => {
  const { description } = keptOf(imageSpecifics);
  return markedDescription(typeof description === 'string' ? description : null, marker);
};

async function refuseTooLarge(satellite: Satellite, { size }: DeployableImage): Promise<void> {
  const { config } = await satellite.whoWeAre();
  const limit = config.vmSizeLimit ?? 0n;
  if (limit > 0n && BigInt(size) > limit)
    throw new ViceError(
      'ENVIRONMENT_REFUSED',
      `the image has ${size} bytes, and ${satellite.name} takes none of more than ${limit}`,
    );
}

function hasWhole(details: ImageDetails | null, versionId: string, size: number): boolean {
  const version = details && versionIn(details, versionId);
  return !!version && isWhole(version, size);
}

async function existing(satellite: Satellite, baseId: string): Promise<ImageDetails> {
  const details = await detailsOf(satellite, baseId);
  if (details) return details;
  throw new ViceError(
    'ENVIRONMENT_FAILED',
    `the image vanished from ${satellite.name} while it was uploaded; it is uploaded anew`,
  );
}

/** The next attempt begins anew. */
async function thrownAway(
  satellite: Satellite,
  baseId: string,
  { token }: UploadTicket,
  end: 'lost' | 'failed',
): Promise<ViceError> {
  const details = await detailsOf(satellite, baseId);
  if (details) await removeImage(satellite, details, `${baseId}/${token}`);
  return end === 'lost'
    ? new ViceError(
        'ENVIRONMENT_FAILED',
        `${satellite.name} has forgotten the upload, as it does when it restarts; it begins anew`,
      )
    : new ViceError(
        'ENVIRONMENT_FAILED',
        `${satellite.name} has given up the upload, because blocks arrived damaged; it begins anew`,
      );
}

const saidOf = ({ virtId, osId, kept }: MachinePlan): string =>
  `virtualizer ${virtId}, operating system ${osId}, machine description ${kept ? 'as the image came with it' : 'made for the disk'}\n`;
