import { randomBytes, randomUUID } from 'node:crypto';
import {
  EnvironmentCalls,
  ImageCalls,
  JobCalls,
  type Image,
  type Job,
  type JobMessage,
  type JobOutcome,
  type JsonObject,
} from '#libs/contracts';
import { runRegistry, type RunningRegistry } from './running-registry.js';

export const REFUSED: JobOutcome = { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'wrong password', transient: false };

/** A registry with one user, and a test that plays the workers of jobs that fail, and are run again. */
export class FailedPlace implements AsyncDisposable {
  private constructor(
    readonly vice: RunningRegistry,
    readonly userId: string,
  ) {}

  static async open(
    variables: Record<string, string> = {},
    broker: Pick<NonNullable<Parameters<typeof runRegistry>[0]>, 'refuses' | 'rabbit'> = {},
  ): Promise<FailedPlace> {
    const vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '60', ...variables }, ...broker });
    return new FailedPlace(vice, await vice.newUser());
  }

  async environment(): Promise<string> {
    const id = randomUUID();
    const environment = { id, managementlayer: { software: 'docker' }, credentials: { location: 'unix:///nowhere.sock' } };
    await this.vice.ask(EnvironmentCalls.createEnvironment, { userId: this.userId, environment });
    return id;
  }

  async importing(): Promise<{ image: Image; message: JobMessage; environmentId: string }> {
    const environmentId = await this.environment();
    const image = await this.vice.ask(ImageCalls.createImage, {
      userId: this.userId,
      image: { originEnvironment: { known: environmentId }, environmentReference: 'busybox' },
    });
    return { image, message: await this.vice.next('import', image.id), environmentId };
  }

  /** An image whose import has failed for good. */
  async failedImport(more: { leftTemporaries?: boolean; log?: string } = {}) {
    const begun = await this.importing();
    await this.claim(begun.message);
    await this.report(begun.message, REFUSED, more);
    return begun;
  }

  /** Bytes in the blob store. */
  async blob(): Promise<string> {
    const digest = `sha256:${randomBytes(32).toString('hex')}`;
    await this.vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${digest}', 7, 'stored')`);
    return digest;
  }

  /** An image whose bytes have come, and wait to be inspected. */
  async inspecting(): Promise<{ image: Image; message: JobMessage; digest: string }> {
    const digest = await this.blob();
    const image = await this.vice.ask(ImageCalls.createImage, { userId: this.userId, image: {} });
    const writer = `upload-${randomUUID()}`;
    await this.vice.ask(ImageCalls.commitUpload, { userId: this.userId, imageId: image.id, writer, digest, size: 7 });
    return { image, message: await this.vice.next('store', image.id), digest };
  }

  async claim(message: JobMessage): Promise<JsonObject> {
    const { payload } = await this.vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    return payload as JsonObject;
  }

  async report({ jobId, attempt }: JobMessage, outcome: JobOutcome, more: { leftTemporaries?: boolean; log?: string } = {}) {
    const progress = { bytesDone: 3, bytesTotal: 7, bytesPerSecond: 1 };
    await this.vice.ask(JobCalls.reportJob, { jobId, attempt, outcome, progress, ...more });
  }

  retry(jobId: string, userId = this.userId): Promise<Job> {
    return this.vice.ask(JobCalls.retryJob, { userId, jobId });
  }

  job(jobId: string): Promise<Job> {
    return this.vice.ask(JobCalls.getJob, { userId: this.userId, jobId });
  }

  image({ id }: { id: string }): Promise<Image> {
    return this.vice.ask(ImageCalls.getImage, { userId: this.userId, imageId: id });
  }

  async imageJobs({ id }: { id: string }): Promise<string[]> {
    const jobs = await this.vice.ask(JobCalls.jobsOfImage, { userId: this.userId, imageId: id });
    return jobs.map(({ action, state }) => `${action} ${state}`);
  }

  /** What the collection of garbage does first. */
  async condemn(digest: string): Promise<void> {
    await this.vice.sql(`UPDATE blobs SET state = 'deleting' WHERE digest = '${digest}'`);
  }

  async administrator(): Promise<string> {
    const id = await this.vice.newUser();
    await this.vice.sql(`UPDATE users SET administrator = true WHERE id = '${id}'`);
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vice[Symbol.asyncDispose]();
  }
}
