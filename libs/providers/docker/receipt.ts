import { type ImageInspectInfo } from 'dockerode';
import { ViceError } from '#libs/errors';
import { type DeploymentReceipt } from '../environment-provider.js';
import { proofOf, type ArchiveFacts } from './archive-facts.js';
import { tagsOf } from './engine.js';

/** What the engine says that it holds. */
export function receiptOf(found: ImageInspectInfo): DeploymentReceipt {
  const { Id, RootFS, Os, Architecture } = found;
  return {
    reference: Id,
    facts: { imageId: Id, layers: RootFS.Layers ?? [], os: Os, architecture: Architecture, tags: tagsOf(found) },
  };
}

/** The same with what was compared. Raises RECEIPT_MISMATCH where the engine holds another image than the archive. */
export function comparedReceipt(found: ImageInspectInfo, archive: ArchiveFacts, inContainerd: boolean): DeploymentReceipt {
  const verified = proofOf(found, archive, inContainerd);
  const { reference, facts } = receiptOf(found);
  if (verified !== null) return { reference, facts: { ...facts, configDigest: archive.configDigest, verified } };
  throw new ViceError(
    'RECEIPT_MISMATCH',
    `the engine holds the image ${reference} with ${found.RootFS.Layers?.length ?? 0} layers, which is not the one that was sent (config ${archive.configDigest})`,
  );
}
