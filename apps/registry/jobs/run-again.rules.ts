import { type DeploymentStatus, type JobState } from '#libs/contracts';

/** What decides whether a job is run again. What its work has nothing to do with is null. */
export interface FailedJob {
  action: string;
  state: JobState;
  /** The image that it brings, or makes, something for; `awaits`: that still has nothing newer. */
  image: 'awaits' | 'has-newer' | 'gone' | null;
  deployment: DeploymentStatus | 'gone' | null;
  environment: 'there' | 'gone' | null;
  /** The bytes that it reads. */
  blob: 'there' | 'gone' | null;
  /** Another live job that it must not run beside. */
  rival: { id: string; action: string; state: JobState } | null;
  /** Of a removal: whether the deployment goes with it, or only what a failed export left. */
  takesDeployment: boolean;
}

/** What changes with the job as it waits again; absent: nothing. */
export type RunAgain = { refused: string } | { image?: 'importing'; deployment?: DeploymentStatus };

/** Whether a job is run again; `refused` says why not, and what to do instead. */
export function runAgain(job: FailedJob): RunAgain {
  const refused = refusalOf(job);
  if (refused !== null) return { refused };
  if (job.deployment !== null) return { deployment: statusWith(job) };
  return bringsContent(job) ? { image: 'importing' } : {};
}

function refusalOf(job: FailedJob): string | null {
  if (job.state !== 'failed') return `it is ${job.state}, and only one that failed is`;
  return refusalOfImage(job) ?? refusalOfDeployment(job) ?? refusalBesideRival(job) ?? refusalOfPlaces(job);
}

function refusalOfImage({ action, image }: FailedJob): string | null {
  if (image === 'gone') return 'its image does not exist any more';
  if (image !== 'has-newer') return null;
  return action === 'convert'
    ? 'its image has other content by now: ask for the download again, which begins a new conversion'
    : 'its image has been uploaded, imported or inspected anew since, and that counts';
}

function refusalOfDeployment({ deployment, rival }: FailedJob): string | null {
  if (deployment === null || deployment === 'failed') return null;
  if (deployment === 'gone') return 'its deployment does not exist any more: deploy the image again';
  if (deployment === 'removing') return 'its deployment is being deleted: deploy the image again';
  if (deployment === 'deployed') return 'its deployment stands by now: delete that if it is to go';
  return rival ? null : `its deployment is ${deployment} already`;
}

function refusalBesideRival({ action, rival }: FailedJob): string | null {
  if (rival === null) return null;
  const is = `job ${rival.id} (${rival.action}), which is ${rival.state}`;
  if (rival.action === 'remove')
    return `what it left in the environment is being removed by ${is}: try again when that has ended`;
  if (rival.action === 'dispose')
    return `what it left in the environment is being disposed of by ${is}: try again when that has ended`;
  if (action === 'dispose') return `${is}, needs what it would dispose of, and does so itself in the end`;
  return `the same is done by ${is}, already`;
}

function refusalOfPlaces({ action, environment, blob }: FailedJob): string | null {
  if (environment === 'gone') return 'its environment does not exist any more';
  if (blob !== 'gone') return null;
  if (action === 'inspect')
    return 'the bytes are not kept any more: upload the image again, or have it imported again by PUT /v1/images';
  return action === 'convert'
    ? 'what it was to convert is not kept any more: ask for the download, or deploy the image, again'
    : 'the converted image is not kept any more: delete the deployment, and deploy the image again';
}

function statusWith({ action, takesDeployment }: FailedJob): DeploymentStatus {
  if (action === 'convert') return 'converting';
  if (action === 'deploy') return 'exporting';
  return takesDeployment ? 'removing' : 'failed';
}

const bringsContent = ({ action, image }: FailedJob): boolean => image !== null && (action === 'import' || action === 'inspect');
