import { traced, tracedMethods } from '#libs/observability';
import { type BlobStore, type StagedBlob, type Workspace } from './blob-store.js';

/** The store, with a span for each blob that comes in or is opened. The bytes in between belong to whoever moves them. */
export function tracedBlobStore(store: BlobStore): BlobStore {
  const observed = tracedMethods(store, {
    stage: ['blob stage'],
    carryOver: ['blob carry over'],
    workspace: ['blob workspace'],
    open: ['blob open'],
    removeBytes: ['blob remove'],
  });
  const stage: BlobStore['stage'] = async (options) => withTracedCommit(await observed.stage(options));
  const workspace: BlobStore['workspace'] = async (options) =>
    tracedMethods<Workspace>(await observed.workspace(options), { seal: ['blob seal'], commit: ['blob commit'] });
  return new Proxy(observed, {
    get: (target, name) => (name === 'stage' ? stage : name === 'workspace' ? workspace : (Reflect.get(target, name) as unknown)),
  });
}

/** On the blob itself: a stream behind a proxy would be another one for its pipeline. */
function withTracedCommit(staged: StagedBlob): StagedBlob {
  const commit = staged.commit.bind(staged);
  staged.commit = () =>
    traced('blob commit', {}, async (span) => {
      const blob = await commit();
      span.set({ 'vice.blob.digest': blob.digest, 'vice.blob.size': blob.size });
      return blob;
    });
  return staged;
}
