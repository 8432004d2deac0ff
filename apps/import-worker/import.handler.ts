import { pipeline } from 'node:stream/promises';
import { Controller, Inject } from '@nestjs/common';
import { type BlobStore, type StagedBlob } from '#libs/blobs';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { Jobs, type Empty, type DisposeTemporariesPayload, type ImportedBlob, type ImportImagePayload } from '#libs/contracts';
import { JobHandler, type RunningJob } from '#libs/messaging';
import { isPreparing, isResumable, openAccess, Providers, type EnvironmentSession, type RemoteImage } from '#libs/providers';
import { SecretBox } from '#libs/secrets';
import { BLOB_STORE } from './tokens.js';

/** Brings images in. May run twice for one job: storing by digest makes that harmless. */
@Controller()
export class ImportHandler {
  constructor(
    private readonly providers: Providers,
    private readonly box: SecretBox,
    @Inject(BLOB_STORE) private readonly blobs: BlobStore,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
  ) {}

  @JobHandler(Jobs.importImage)
  async import(payload: ImportImagePayload, job: RunningJob): Promise<ImportedBlob> {
    await using session = await this.providers.connect(openAccess(payload.environment, this.box), job.signal);
    if (isPreparing(session) && session.needsPreparation(payload.reference)) {
      return await withTemporary(
        job,
        () => session.dispose(payload.marker),
        async () => this.fetch(session, await session.prepare(payload.reference, payload.marker), payload, job),
      );
    }
    return await this.fetch(session, await session.describe(payload.reference), payload, job);
  }

  @JobHandler(Jobs.disposeTemporaries)
  async dispose({ environment, marker }: DisposeTemporariesPayload, job: RunningJob): Promise<Empty> {
    await using session = await this.providers.connect(openAccess(environment, this.box), job.signal);
    if (isPreparing(session)) await session.dispose(marker);
    return {};
  }

  private async fetch(
    session: EnvironmentSession,
    remote: RemoteImage,
    payload: ImportImagePayload,
    job: RunningJob,
  ): Promise<ImportedBlob> {
    for (const note of remote.notes ?? []) job.log(`${note}\n`);
    job.setTotal(remote.size);
    const expected = { ...remote.checksums, ...(remote.size === null ? {} : { size: remote.size }) };
    // A reference that a user wrote may mean another image by the next attempt; the one that it was resolved to never does.
    const [source, maxBytes] = [remote.reference, this.config.maxImageBytes];
    await using staged = await this.blobs.stage({ writer: job.writer, source, expected, maxBytes });
    try {
      const offset = isResumable(session) ? await this.carryOver(payload.formerWriters, staged, job) : 0;
      const bytes = isResumable(session) && offset > 0 ? await session.readFrom(remote, offset) : await session.read(remote);
      await pipeline(bytes, job.meter(), staged, { signal: job.signal });
    } catch (error) {
      // What has arrived serves the next attempt, where the source can be read on from there.
      if (isResumable(session)) await staged.keep();
      throw error;
    }
    return { ...(await staged.commit()), contentType: remote.contentType, name: remote.name, metadata: remote.metadata };
  }

  private async carryOver(formerWriters: readonly string[], staged: StagedBlob, job: RunningJob): Promise<number> {
    for (const former of formerWriters) {
      const bytes = await this.blobs.carryOver(former, staged, job.signal);
      job.carriedOver(bytes);
      if (bytes > 0) return bytes;
    }
    return 0;
  }
}

/** The temporary goes when the work is done. When it is not, later attempts use it again, and the registry sees to its end. */
async function withTemporary<T>(job: RunningJob, dispose: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    await dispose().catch(() => job.leftTemporaries());
    return result;
  } catch (error) {
    job.leftTemporaries();
    throw error;
  }
}
