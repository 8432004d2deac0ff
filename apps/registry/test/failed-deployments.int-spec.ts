import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  DeploymentCalls,
  ImageCalls,
  JobCalls,
  type Deployment,
  type Job,
  type JobMessage,
  type JobOutcome,
} from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { ConversionPlace } from './conversion-place.js';

const NOT_RETRYABLE = { code: 'JOB_NOT_RETRYABLE' };
const REFUSED: JobOutcome = { kind: 'failed', code: 'ENVIRONMENT_REFUSED', message: 'the quota is full', transient: false };
const DONE: JobOutcome = { kind: 'succeeded', result: {} };
const DEPLOYED: JobOutcome = { kind: 'succeeded', result: { reference: 'there', receipt: {} } };
const why = (message: RegExp) => ({ ...NOT_RETRYABLE, message: expect.stringMatching(message) });

await describeWith([postgres()], 'a failed job of a deployment', () => {
  let place: ConversionPlace;
  beforeAll(async () => void (place = await ConversionPlace.open()));
  afterAll(async () => place[Symbol.asyncDispose]());

  const retry = (jobId: string): Promise<Job> => place.vice.ask(JobCalls.retryJob, { userId: place.userId, jobId });
  const status = async (deployment: Deployment) => (await place.now(deployment)).status;
  const note = ({ jobId, attempt }: JobMessage) => place.vice.ask(JobCalls.noteReference, { jobId, attempt, reference: 'half' });

  async function deploying(): Promise<{ deployment: Deployment; message: JobMessage; image: { id: string; digest: string } }> {
    const image = await place.image('docker-image');
    const deployment = await place.deploy(image.id, await place.environment('docker'));
    const message = await place.vice.next('export', deployment.id);
    await place.claim(message);
    return { deployment, message, image };
  }

  async function deployed(): Promise<{ deployment: Deployment; removal: JobMessage }> {
    const { deployment, message } = await deploying();
    await place.report(message, DEPLOYED);
    await place.delete(deployment);
    const removal = await place.vice.next('export', deployment.id);
    await place.claim(removal);
    await place.report(removal, REFUSED);
    return { deployment, removal };
  }

  it('exports it again, also when the image is gone', async () => {
    const { deployment, message, image } = await deploying();
    await place.report(message, REFUSED);
    await place.vice.ask(ImageCalls.deleteImage, { userId: place.userId, imageId: image.id });
    expect(await status(deployment)).toBe('failed');
    await retry(message.jobId);
    expect(await place.now(deployment)).toMatchObject({ status: 'exporting', plan: [{ state: 'queued', error: null }] });
    await place.export(deployment);
    expect(await place.now(deployment)).toMatchObject({ status: 'deployed', environmentReference: 'there' });
    await expect(retry(message.jobId)).rejects.toMatchObject(why(/it is succeeded/));
  });

  it('waits until what it left is removed, and then begins from nothing', async () => {
    const { deployment, message } = await deploying();
    await note(message);
    await place.report(message, REFUSED);
    const cleaning = await place.vice.next('export', deployment.id);
    await expect(retry(message.jobId)).rejects.toMatchObject(
      why(/removed by job .* which is queued: try again when that has ended/),
    );
    await place.claim(cleaning);
    await expect(retry(message.jobId)).rejects.toMatchObject(why(/which is running: try again/));
    await place.report(cleaning, DONE);
    await retry(message.jobId);
    expect(await place.export(deployment)).toMatchObject({ reference: null });
    expect(await status(deployment)).toBe('deployed');
  });

  it('begins with what it left where that could not be removed', async () => {
    const { deployment, message } = await deploying();
    await note(message);
    await place.report(message, REFUSED);
    const cleaning = await place.vice.next('export', deployment.id);
    await place.claim(cleaning);
    await place.report(cleaning, REFUSED);
    await retry(message.jobId);
    await expect(retry(cleaning.jobId)).rejects.toMatchObject(why(/exporting already|by job/));
    expect(await place.export(deployment)).toMatchObject({ reference: 'half' });
    await expect(retry(cleaning.jobId)).rejects.toMatchObject(why(/stands by now/));
  });

  it('removes a deployment again that was deleted, which is gone then', async () => {
    const { deployment, removal } = await deployed();
    expect(await status(deployment)).toBe('failed');
    await retry(removal.jobId);
    expect(await status(deployment)).toBe('removing');
    const again = await place.vice.next('export', deployment.id);
    expect(await place.claim(again)).toMatchObject({ reference: 'there' });
    await place.report(again, DONE);
    await expect(place.now(deployment)).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
    await expect(retry(removal.jobId)).rejects.toMatchObject(why(/it is succeeded/));
  });

  it('removes again what a failed export left, and the deployment stays as failed', async () => {
    const { deployment, message } = await deploying();
    await note(message);
    await place.report(message, REFUSED);
    const cleaning = await place.vice.next('export', deployment.id);
    await place.claim(cleaning);
    await place.report(cleaning, REFUSED);
    await retry(cleaning.jobId);
    await place.claim(await place.vice.next('export', deployment.id));
    await place.report({ ...cleaning, attempt: 2 }, DONE);
    expect(await status(deployment)).toBe('failed');
  });

  it('is void once the deployment is deleted, is being deleted, or was forgotten', async () => {
    const { deployment, removal } = await deployed();
    await place.delete(deployment);
    await expect(retry(removal.jobId)).rejects.toMatchObject(why(/being deleted/));
    const request = { userId: place.userId, deploymentId: deployment.id, forget: true };
    await place.vice.ask(DeploymentCalls.deleteDeployment, request);
    await expect(retry(removal.jobId)).rejects.toMatchObject(why(/deployment does not exist any more/));
  });

  it('converts again, and the plan goes on from there', async () => {
    const image = await place.image('disk-raw');
    const deployment = await place.deploy(image.id, await place.environment('bwlehrpool'));
    const message = await place.vice.next('convert', deployment.id);
    await place.claim(message);
    await place.report(message, REFUSED);
    expect(await status(deployment)).toBe('failed');
    await retry(message.jobId);
    expect(await place.now(deployment)).toMatchObject({
      status: 'converting',
      plan: [{ state: 'queued' }, { state: 'planned' }],
    });
    const { result } = await place.convert(deployment);
    expect(await place.export(deployment)).toMatchObject({ digest: result.digest });
    expect(await status(deployment)).toBe('deployed');
  });

  it('is void once the converted image is not kept any more', async () => {
    const image = await place.image('disk-raw');
    const deployment = await place.deploy(image.id, await place.environment('bwlehrpool'));
    const { result } = await place.convert(deployment);
    const message = await place.vice.next('export', deployment.id);
    await place.claim(message);
    await place.report(message, REFUSED);
    await place.vice.sql(`UPDATE blobs SET state = 'deleting' WHERE digest = '${result.digest}'`);
    await expect(retry(message.jobId)).rejects.toMatchObject(why(/delete the deployment, and deploy the image again/));
  });

  it('makes the form that a download wants again, also within the ten minutes that a failure stands', async () => {
    const image = await place.image('disk-raw');
    await place.download(image.id, 'disk-qcow2');
    const message = await place.vice.next('convert', image.id);
    await place.claim(message);
    await place.report(message, REFUSED);
    await expect(place.download(image.id, 'disk-qcow2')).rejects.toMatchObject({ code: 'NOT_CONVERTIBLE' });
    await retry(message.jobId);
    expect(await place.download(image.id, 'disk-qcow2')).toMatchObject({ job: { id: message.jobId, state: 'queued' } });
    const { result } = await place.convert(image);
    expect(await place.download(image.id, 'disk-qcow2')).toMatchObject({ content: { digest: result.digest } });
  });

  it('makes no form of content that the image has no longer, nor of an image that its user may not see any more', async () => {
    const image = await place.image('disk-raw');
    await place.download(image.id, 'disk-qcow2');
    const message = await place.vice.next('convert', image.id);
    await place.claim(message);
    await place.report(message, REFUSED);
    const other = await place.image('disk-raw');
    await place.vice.sql(`UPDATE images SET digest = '${other.digest}' WHERE id = '${image.id}'`);
    await expect(retry(message.jobId)).rejects.toMatchObject(why(/ask for the download again/));
    const owner = await place.vice.newUser();
    await place.vice.sql(`UPDATE images SET digest = '${image.digest}', user_id = '${owner}' WHERE id = '${image.id}'`);
    await expect(retry(message.jobId)).rejects.toMatchObject(why(/image does not exist any more/));
  });
});
