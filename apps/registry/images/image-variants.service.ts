import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { Jobs, type AnswerOf, type ImageCalls, type Job, type RequestOf, type Variant, type VariantWish } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { BlobLedgerService } from '../blobs/blob-ledger.service.js';
import { recipeAfter } from '../conversions/conversion-plan.js';
import { originalOf, PlansService, type FoundWay } from '../conversions/plans.service.js';
import { variantsOf, type KeptVariant, type Original } from '../conversions/variants.js';
import { Database, ImageEntity, JobEntity, type Transaction } from '../database/index.js';
import { makingKey } from '../jobs/convert-details.js';
import { convertDraft } from '../jobs/job-drafts.js';
import { toJob } from '../jobs/job.contract.js';
import { JobsService } from '../jobs/jobs.service.js';
import { lockVisibleImage, noContent, noSuchImage } from './image-access.js';

/** A conversion that failed for good is not tried again before, whoever asks for the same. */
const FAILURE_STANDS = '10 minutes';

/** What there is of images besides their originals. */
@Injectable()
export class ImageVariantsService {
  constructor(
    private readonly database: Database,
    private readonly plans: PlansService,
    private readonly jobs: JobsService,
    private readonly ledger: BlobLedgerService,
  ) {}

  /** `viewer` null: someone who has not logged in. */
  async find(viewer: string | null, imageId: string): Promise<Variant[]> {
    const { manager } = this.database.source;
    const image = isUUID(imageId) ? await manager.findOneBy(ImageEntity, { id: imageId }) : null;
    if (!image || (image.visibility !== 'public' && image.userId !== viewer)) throw noSuchImage(imageId);
    const variants = await variantsOf({ manager }, image, { keep: false });
    if (!variants) return [];
    const [original, ...derived] = variants;
    // The row is that of all who have the same bytes: when the first of them brought these is nobody else's business.
    return [{ ...original, createdAt: image.createdAt.toISOString() }, ...derived].map(toContract);
  }

  /** The content in a wished form, or the job that makes it. */
  async open(request: RequestOf<typeof ImageCalls.openVariant>): Promise<AnswerOf<typeof ImageCalls.openVariant>> {
    const { userId, imageId, holder, wish } = request;
    return this.database.transaction(async (tx) => {
      const image = await lockVisibleImage(tx, userId, imageId);
      const variants = await variantsOf(tx, image, { keep: true });
      if (!variants) throw noContent(image);
      const { contentType, subformat } = wish;
      const way = await this.plans.find(tx, variants, { accepts: [contentType], subformat }, (reason) => notConvertible(reason));
      if ('steps' in way) return { job: shownTo(userId, await this.making(tx, image, originalOf(variants), way, request)) };
      const { digest, size } = way.variant;
      await this.ledger.pinWithin(tx, holder, digest);
      return { content: { digest, size, contentType, title: image.title } };
    });
  }

  /** One job at a time makes a wished form of an image; whoever asks for the same meanwhile is told of that job. */
  private async making(
    tx: Transaction,
    image: ImageEntity,
    original: Original,
    way: Extract<FoundWay, { from: KeptVariant }>,
    { userId, wish, make }: RequestOf<typeof ImageCalls.openVariant>,
  ): Promise<JobEntity> {
    if (userId === null) throw new ViceError('UNAUTHENTICATED', `log in to have the image converted to ${inWords(wish)}`);
    await tx.manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [makingKey(image.id, wish)]);
    const live = await liveJob(tx, image.id, original, wish);
    if (live) return live;
    if (!make)
      throw new ViceError('IMAGE_HAS_NO_CONTENT', `image ${image.id} is not there as ${inWords(wish)} yet: GET has it made`);
    await refuseWhatFailed(tx, original, recipeAfter(way.from.recipe, way.steps[0]));
    return this.jobs.enqueue(tx, convertDraft(original, way.from, way.steps, { userId, imageId: image.id, wish }));
  }
}

/** Who else has a public image converted is nobody's business. */
const shownTo = (viewer: string | null, job: JobEntity): Job => ({
  ...toJob(job),
  ...(job.userId !== viewer && { userid: null }),
});

function toContract(variant: KeptVariant): Variant {
  const { contentType: contenttype, digest, size, contentDigest, createdAt, recipe, derivedFrom, tool } = variant;
  const lineage = { derivedFrom: derivedFrom!, recipe: recipe!, tool: tool!, arguments: variant.arguments ?? [] };
  return { contenttype, digest, size, contentDigest, ...(recipe !== null && lineage), createdAt };
}

async function liveJob(
  { manager }: Transaction,
  imageId: string,
  original: Original,
  wish: VariantWish,
): Promise<JobEntity | null> {
  return manager
    .createQueryBuilder(JobEntity, 'job')
    .where(`job.imageId = :imageId AND job.action = :action AND job.state IN ('queued', 'running') AND NOT job.cancelRequested`)
    .andWhere('job.details @> CAST(:details AS jsonb)')
    .setParameters({ imageId, action: Jobs.convertBlob.action, details: JSON.stringify({ original: original.digest, wish }) })
    .getOne();
}

/** Where the tools were missing, they are there by now. */
async function refuseWhatFailed({ manager }: Transaction, { digest }: Original, chain: string): Promise<void> {
  const [last] = (await manager.query(
    `SELECT state, error_message FROM jobs
      WHERE action = 'convert' AND details->>'original' = $1 AND details->>'chain' = $2 AND state IN ('succeeded', 'failed')
        AND ended_at > now() - interval '${FAILURE_STANDS}' AND error_code IS DISTINCT FROM 'TOOLS_MISSING'
      ORDER BY ended_at DESC LIMIT 1`,
    [digest, chain],
  )) as { state: string; error_message: string | null }[];
  if (last?.state === 'failed') throw notConvertible(`the conversion ${chain} failed: ${last.error_message ?? ''}`);
}

const notConvertible = (reason: string): ViceError => new ViceError('NOT_CONVERTIBLE', reason);

const inWords = ({ contentType, subformat }: VariantWish): string => (subformat ? `${contentType} (${subformat})` : contentType);
