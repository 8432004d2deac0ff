import { pipeline, type Readable } from 'node:stream';
import { Controller, Inject } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import {
  JobCalls,
  Jobs,
  type DeployedImage,
  type DeployImagePayload,
  type Empty,
  type RemoveDeploymentPayload,
} from '#libs/contracts';
import { DEFAULT_LIMITS, inspectFacts } from '#libs/image-formats';
import { JobHandler, type RunningJob } from '#libs/messaging';
import { openAccess, Providers } from '#libs/providers';
import { SecretBox } from '#libs/secrets';
import { BLOB_STORE } from './tokens.js';

/** Puts images into environments and takes them down. May run twice for one job: the marker finds what the former attempt made. */
@Controller()
export class DeployHandler {
  constructor(
    private readonly providers: Providers,
    private readonly box: SecretBox,
    @Inject(BLOB_STORE) private readonly blobs: BlobStore,
  ) {}

  @JobHandler(Jobs.deployImage)
  async deploy(payload: DeployImagePayload, job: RunningJob): Promise<DeployedImage> {
    const { title, contentType, size, digest, specifics, imageSpecifics, marker } = payload;
    await using blob = await this.blobs.open(digest, { holder: job.writer });
    await using session = await this.providers.connect(openAccess(payload.environment, this.box), job.signal);
    job.setTotal(size);
    const open = async () => metered(blob.stream(), job);
    const facts = async () => payload.facts ?? (await inspectFacts(blob, contentType, DEFAULT_LIMITS, job.signal)).facts;
    const log = (text: string) => job.log(text);
    const read = (position: number, length: number, into?: Buffer) => blob.read(position, length, into);
    const moved = (bytes: number) => job.advance(bytes);
    const former = payload.reference ?? undefined;
    const image = { title, contentType, size, digest, specifics, imageSpecifics, open, read, moved, facts, former, log };
    const receipt = await session.write(image, marker, async (known) => {
      await job.ask(JobCalls.noteReference, { jobId: job.id, attempt: job.attempt, reference: known });
    });
    return { reference: receipt.reference, receipt: receipt.facts };
  }

  @JobHandler(Jobs.removeDeployment)
  async remove({ environment, reference, marker, title, specifics }: RemoveDeploymentPayload, job: RunningJob): Promise<Empty> {
    await using session = await this.providers.connect(openAccess(environment, this.box), job.signal);
    await session.remove({ ...(reference === null ? {} : { reference }), marker, title, specifics });
    return {};
  }
}

/** Counts what is read of the source; a fault of either ends both. */
function metered(source: Readable, job: RunningJob): Readable {
  return pipeline(source, job.meter(), () => undefined);
}
