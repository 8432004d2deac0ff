import { Controller, Inject } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { CONVERSIONS, Jobs, type Conversion, type ConvertBlobPayload, type ConvertedBlob } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { convert, scratchSpace } from '#libs/image-formats';
import { JobHandler, type RunningJob } from '#libs/messaging';
import { ConversionProgress } from './conversion-progress.js';
import { BLOB_STORE } from './tokens.js';

/** Makes a variant of a blob. What it works with lies in a workspace of this attempt, which goes with it however it ends. */
@Controller()
export class ConversionHandler {
  constructor(
    @Inject(BLOB_STORE) private readonly blobs: BlobStore,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
  ) {}

  @JobHandler(Jobs.convertBlob)
  async convert({ source, recipe }: ConvertBlobPayload, job: RunningJob): Promise<ConvertedBlob> {
    const { writer, signal } = job;
    const conversion = conversionBy(recipe);
    await using blob = await this.blobs.open(source.digest, { holder: writer });
    if (blob.size !== source.size)
      throw new ViceError('BLOB_NOT_FOUND', `the blob store holds ${blob.size} of the ${source.size} bytes of ${source.digest}`);
    job.setTotal(source.size);
    const reservedBytes = await scratchSpace(conversion, blob, signal);
    await using workspace = await this.blobs.workspace({ writer, bytes: reservedBytes });
    const progress = new ConversionProgress(job, source.size);
    const {
      file,
      contentType,
      facts,
      contentDigest,
      tool,
      arguments: args,
    } = await convert({
      conversion,
      source: { file: await blob.file(), bytes: blob, contentDigest: source.contentDigest },
      folder: workspace.folder,
      maxBytes: this.config.maxImageBytes,
      reservedBytes,
      signal,
      progress: (fraction) => progress.converting(fraction),
      // Hashed while it is looked at again. What goes wrong is raised by commit.
      onConverted: (result) => void workspace.seal(result).catch(() => undefined),
      log: (text) => job.log(text),
    });
    job.throwIfStopped();
    const { digest, size } = await workspace.commit(file);
    progress.complete();
    return { digest, size, contentType, facts, contentDigest, tool, arguments: args };
  }
}

function conversionBy(recipe: string): Conversion {
  const conversion = CONVERSIONS.find((each) => each.recipe === recipe);
  if (conversion) return conversion;
  throw new ViceError(
    'INTERNAL',
    `this store worker does not know the recipe ${recipe}: it is of another release than the registry`,
  );
}
