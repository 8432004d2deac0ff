import { randomBytes, randomUUID } from 'node:crypto';
import {
  DeploymentCalls,
  EnvironmentCalls,
  ImageCalls,
  JobCalls,
  type ContentDigest,
  type ContentType,
  type ConvertBlobPayload,
  type ConvertedBlob,
  type Deployment,
  type Digest,
  type Job,
  type JobMessage,
  type JobOutcome,
  type JsonObject,
  type Subformat,
} from '#libs/contracts';
import { runRegistry, type RunningRegistry } from './running-registry.js';

const none = { bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 };
export const SIZE = 7;

export const newDigest = (): Digest => `sha256:${randomBytes(32).toString('hex')}`;
export const newContentDigest = (): ContentDigest => `disk-sha256-4m:${randomBytes(32).toString('hex')}`;

/** A registry with one user, and a test that plays the workers: it claims and reports. */
export class ConversionPlace implements AsyncDisposable {
  private constructor(
    readonly vice: RunningRegistry,
    readonly userId: string,
  ) {}

  static async open(variables: Record<string, string> = {}): Promise<ConversionPlace> {
    const vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '60', ...variables } });
    return new ConversionPlace(vice, await vice.newUser());
  }

  /** An image whose content has passed inspection. */
  async image(
    contentType: ContentType,
    { digest = newDigest(), contentDigest = '', owner = this.userId, visibility = 'private' } = {},
  ): Promise<{ id: string; digest: Digest }> {
    const id = randomUUID();
    await this.vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${digest}', ${SIZE}, 'stored') ON CONFLICT DO NOTHING`);
    await this.vice.sql(
      `INSERT INTO variants (source_digest, content_type, digest, size, content_digest)
       VALUES ('${digest}', '${contentType}', '${digest}', ${SIZE}, '${contentDigest}') ON CONFLICT DO NOTHING`,
    );
    await this.vice.sql(
      `INSERT INTO images (id, user_id, title, contenttype, status, digest, size, visibility)
       VALUES ('${id}', '${owner}', 'Course', '${contentType}', 'ready', '${digest}', ${SIZE}, '${visibility}')`,
    );
    return { id, digest };
  }

  async environment(software = 'openstack'): Promise<string> {
    const id = randomUUID();
    const environment = { id, managementlayer: { software } };
    await this.vice.ask(EnvironmentCalls.createEnvironment, { userId: this.userId, environment });
    return id;
  }

  deploy(imageId: string, environmentId: string, specifics: JsonObject = {}): Promise<Deployment> {
    const deployment = { imageId, environmentId, title: null, specifics };
    return this.vice.ask(DeploymentCalls.deployImage, { userId: this.userId, deployment });
  }

  now({ id }: { id: string }): Promise<Deployment> {
    return this.vice.ask(DeploymentCalls.getDeployment, { userId: this.userId, deploymentId: id });
  }

  delete({ id }: { id: string }): Promise<unknown> {
    return this.vice.ask(DeploymentCalls.deleteDeployment, { userId: this.userId, deploymentId: id, forget: false });
  }

  jobs({ id }: { id: string }): Promise<Job[]> {
    return this.vice.ask(JobCalls.jobsOfDeployment, { userId: this.userId, deploymentId: id });
  }

  download(
    imageId: string,
    contentType: ContentType,
    {
      subformat = null,
      userId = this.userId,
      make = true,
    }: { subformat?: Subformat | null; userId?: string | null; make?: boolean } = {},
  ) {
    const holder = `download-${randomUUID()}`;
    return this.vice.ask(ImageCalls.openVariant, { userId, imageId, holder, wish: { contentType, subformat }, make });
  }

  variants(imageId: string, userId: string | null = this.userId) {
    return this.vice.ask(ImageCalls.findVariants, { userId, imageId });
  }

  async claim<Payload>(message: JobMessage): Promise<Payload> {
    const { payload } = await this.vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    return payload as unknown as Payload;
  }

  async report({ jobId, attempt }: JobMessage, outcome: JobOutcome): Promise<void> {
    await this.vice.ask(JobCalls.reportJob, { jobId, attempt, outcome, progress: none });
  }

  /** What a worker does that has made something of a claimed conversion. */
  async made(message: JobMessage, { source, to }: ConvertBlobPayload, digest = newDigest()): Promise<ConvertedBlob> {
    await this.vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${digest}', 5, 'reserved') ON CONFLICT DO NOTHING`);
    const result: ConvertedBlob = {
      ...{ digest, size: 5, contentType: to, contentDigest: source.contentDigest },
      ...{ facts: { virtualSize: 7 }, tool: 'qemu-img 7.2.22', arguments: ['convert', '-O', to] },
    };
    await this.report(message, { kind: 'succeeded', result: result as unknown as JsonObject });
    return result;
  }

  /** Takes the next conversion of a deployment or an image through to its end. */
  async convert(subject: { id: string }, digest?: Digest): Promise<{ payload: ConvertBlobPayload; result: ConvertedBlob }> {
    const message = await this.vice.next('convert', subject.id);
    const payload = await this.claim<ConvertBlobPayload>(message);
    return { payload, result: await this.made(message, payload, digest) };
  }

  /** Takes the export of a deployment through to its end; answers with what was exported. */
  async export(deployment: { id: string }): Promise<JsonObject> {
    const message = await this.vice.next('export', deployment.id);
    const payload = await this.claim<JsonObject>(message);
    await this.report(message, { kind: 'succeeded', result: { reference: 'there', receipt: {} } });
    return payload;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vice[Symbol.asyncDispose]();
  }
}
