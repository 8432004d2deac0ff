import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  DeploymentCalls,
  EnvironmentCalls,
  ImageCalls,
  JobCalls,
  type Deployment,
  type JobMessage,
  type JobOutcome,
  type JobProgress,
  type JsonObject,
} from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from './running-registry.js';

const none: JobProgress = { bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 };
const done: JobOutcome = { kind: 'succeeded', result: {} };
const deployed: JobOutcome = { kind: 'succeeded', result: { reference: 'sha256:there', receipt: { imageId: 'sha256:there' } } };
const refused: JobOutcome = { kind: 'failed', code: 'ENVIRONMENT_REFUSED', message: 'the tag is taken', transient: false };

await describeWith([postgres()], 'the life of a deployment', () => {
  let vice: RunningRegistry;
  let userId: string;

  beforeAll(async () => {
    vice = await runRegistry();
    userId = await vice.newUser();
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  async function environment(software: string | null = 'docker', owner = userId): Promise<string> {
    const id = randomUUID();
    await vice.ask(EnvironmentCalls.createEnvironment, { userId: owner, environment: { id, managementlayer: { software } } });
    return id;
  }

  async function readyImage(contentType = 'docker-image', owner = userId): Promise<{ id: string; digest: string }> {
    const [id, digest] = [randomUUID(), `sha256:${randomBytes(32).toString('hex')}`];
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${digest}', 7, 'stored')`);
    await vice.sql(
      `INSERT INTO variants (source_digest, content_type, digest, size) VALUES ('${digest}', '${contentType}', '${digest}', 7)`,
    );
    await vice.sql(
      `INSERT INTO inspections (digest, said_to_be, content_type, facts) VALUES ('${digest}', '${contentType}', '${contentType}', '{"layers": 1}')`,
    );
    await vice.sql(
      `INSERT INTO images (id, user_id, title, contenttype, status, digest, size) VALUES ('${id}', '${owner}', 'BusyBox', '${contentType}', 'ready', '${digest}', 7)`,
    );
    return { id, digest };
  }

  async function deploying(specifics: JsonObject = {}): Promise<{ deployment: Deployment; message: JobMessage; digest: string }> {
    const image = await readyImage();
    const deployment = await deploy(image.id, await environment(), specifics);
    return { deployment, message: await vice.next('export', deployment.id), digest: image.digest };
  }

  const deploy = (imageId: string, environmentId: string, specifics: JsonObject = {}) =>
    vice.ask(DeploymentCalls.deployImage, { userId, deployment: { imageId, environmentId, title: null, specifics } });
  const now = ({ id }: Deployment) => vice.ask(DeploymentCalls.getDeployment, { userId, deploymentId: id });
  const remove = ({ id }: Deployment, forget = false) =>
    vice.ask(DeploymentCalls.deleteDeployment, { userId, deploymentId: id, forget });
  const jobs = ({ id }: Deployment) => vice.ask(JobCalls.jobsOfDeployment, { userId, deploymentId: id });
  const claim = (message: JobMessage) => vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
  const note = ({ jobId, attempt }: JobMessage) =>
    vice.ask(JobCalls.noteReference, { jobId, attempt, reference: 'sha256:there' });
  const report = ({ jobId, attempt }: JobMessage, outcome: JobOutcome) =>
    vice.ask(JobCalls.reportJob, { jobId, attempt, outcome, progress: none });

  it('is planned, exporting once a worker has it, then deployed with its reference and receipt', async () => {
    const { deployment, message, digest } = await deploying({ tag: 'mine:1' });
    expect(deployment).toMatchObject({
      status: 'planned',
      title: 'BusyBox',
      specifics: { tag: 'mine:1' },
      environmentReference: null,
    });
    expect(await claim(message)).toMatchObject({
      action: 'deploy',
      payload: {
        marker: deployment.id,
        digest,
        size: 7,
        contentType: 'docker-image',
        specifics: { tag: 'mine:1' },
        reference: null,
      },
    });
    await note(message);
    expect(await now(deployment)).toMatchObject({ status: 'exporting', environmentReference: null });
    await report(message, deployed);
    expect(await now(deployment)).toMatchObject({
      status: 'deployed',
      environmentReference: 'sha256:there',
      receipt: { imageId: 'sha256:there' },
    });
  });

  it('tells the next attempt what the former one noted', async () => {
    const { message } = await deploying();
    await claim(message);
    await note(message);
    await report(message, { kind: 'handed-back' });
    const second = await vice.next(
      'export',
      (await vice.sql(`SELECT deployment_id FROM jobs WHERE id = '${message.jobId}'`))[0]!.deployment_id as string,
    );
    expect((await claim(second)).payload).toMatchObject({ reference: 'sha256:there' });
    await expect(note(message)).rejects.toMatchObject({ code: 'JOB_FENCED' });
  });

  it('goes from its environment by a job when it is deleted, then it is gone', async () => {
    const { deployment, message } = await deploying();
    await claim(message);
    await report(message, deployed);
    await remove(deployment);
    expect(await now(deployment)).toMatchObject({ status: 'removing', environmentReference: null });
    const removal = await vice.next('export', deployment.id);
    expect(await claim(removal)).toMatchObject({
      action: 'remove',
      payload: { marker: deployment.id, reference: 'sha256:there' },
    });
    await report(removal, done);
    await expect(now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  });

  it('deleted while it is exported, is removed after the export has stopped and not before', async () => {
    const { deployment, message } = await deploying();
    await claim(message);
    await remove(deployment);
    await remove(deployment);
    await expect(note(message)).rejects.toMatchObject({ code: 'JOB_CANCELLED' });
    expect((await jobs(deployment)).map(({ action }) => action)).toEqual(['deploy']);
    await report(message, { kind: 'cancelled' });
    const removal = await vice.next('export', deployment.id);
    await claim(removal);
    await report(removal, done);
    await expect(now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  });

  it('deleted while its worker is gone, is removed after the lease is over', async () => {
    const { deployment, message } = await deploying();
    await claim(message);
    await remove(deployment);
    expect(await claim(await vice.next('export', deployment.id))).toMatchObject({ action: 'remove' });
  });

  it('that failed half-way is cleaned up, and stays as failed', async () => {
    const { deployment, message } = await deploying();
    await claim(message);
    await note(message);
    await report(message, refused);
    expect(await now(deployment)).toMatchObject({ status: 'failed' });
    const cleaning = await vice.next('export', deployment.id);
    expect(await claim(cleaning)).toMatchObject({ action: 'remove' });
    await report(cleaning, done);
    expect(await now(deployment)).toMatchObject({ status: 'failed' });
    expect((await jobs(deployment)).at(-1)).toMatchObject({
      error: { code: 'ENVIRONMENT_REFUSED', message: 'the tag is taken' },
    });
  });

  it('that cannot be removed says so, and can be deleted again, or forgotten', async () => {
    const { deployment, message } = await deploying();
    await claim(message);
    await report(message, deployed);
    await remove(deployment);
    const removal = await vice.next('export', deployment.id);
    await claim(removal);
    await report(removal, refused);
    expect(await now(deployment)).toMatchObject({ status: 'failed' });
    await remove(deployment);
    expect(await now(deployment)).toMatchObject({ status: 'removing' });
    await remove(deployment, true);
    await expect(now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  });

  it('keeps its content, and its title, when the image is deleted', async () => {
    const image = await readyImage();
    const deployment = await deploy(image.id, await environment());
    await vice.ask(ImageCalls.deleteImage, { userId, imageId: image.id });
    const message = await vice.next('export', deployment.id);
    expect((await claim(message)).payload).toMatchObject({ digest: image.digest, title: 'BusyBox' });
    expect(await now(deployment)).toMatchObject({ imageid: image.id, title: 'BusyBox' });
  });

  it('keeps its environment from being deleted', async () => {
    const { deployment } = await deploying();
    const request = { userId, environmentId: deployment.environmentId };
    await expect(vice.ask(EnvironmentCalls.deleteEnvironment, request)).rejects.toMatchObject({ code: 'ENVIRONMENT_IN_USE' });
  });

  it.each([
    ['an image that does not exist', async () => ({ imageId: randomUUID(), environmentId: await environment() }), 'imageid'],
    ['an image with a malformed id', async () => ({ imageId: 'x', environmentId: await environment() }), 'imageid'],
    [
      "another user's private image",
      async () => ({ imageId: (await readyImage('docker-image', await vice.newUser())).id, environmentId: await environment() }),
      'imageid',
    ],
    [
      "another user's environment",
      async () => ({ imageId: (await readyImage()).id, environmentId: await environment('docker', await vice.newUser()) }),
      'environmentId',
    ],
  ])('is not made of %s', async (_, ids, field) => {
    const { imageId, environmentId } = await ids();
    await expect(deploy(imageId, environmentId)).rejects.toMatchObject({ code: 'INVALID_INPUT', fields: [{ field }] });
  });

  it.each([
    [
      'an image without content',
      async () => (await vice.ask(ImageCalls.createImage, { userId, image: {} })).id,
      'docker',
      'IMAGE_NOT_READY',
    ],
    [
      'a content type that there is no way from to what the environment takes',
      async () => (await readyImage('packerfile')).id,
      'docker',
      'NOT_DEPLOYABLE',
    ],
    ['an environment that there is no provider for', async () => (await readyImage()).id, 'nothing we know', 'NO_PROVIDER'],
    ['an environment of unknown software', async () => (await readyImage()).id, null, 'NO_PROVIDER'],
  ])('is refused for %s', async (_, image, software, code) => {
    await expect(deploy(await image(), await environment(software))).rejects.toMatchObject({ code });
  });

  it("is nobody else's business", async () => {
    const { deployment } = await deploying();
    const stranger = { userId: await vice.newUser(), deploymentId: deployment.id };
    await expect(vice.ask(DeploymentCalls.getDeployment, stranger)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
    await expect(vice.ask(JobCalls.jobsOfDeployment, stranger)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
    await expect(vice.ask(DeploymentCalls.deleteDeployment, { ...stranger, forget: true })).rejects.toMatchObject({
      code: 'DEPLOYMENT_NOT_FOUND',
    });
    expect(await vice.ask(DeploymentCalls.findDeployments, { userId: stranger.userId })).toEqual([]);
  });
});
