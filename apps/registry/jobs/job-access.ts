import { ViceError } from '#libs/errors';
import { type JobEntity } from '../database/index.js';

/** Who asks about jobs. */
export interface JobViewer {
  userId: string;
  administrator: boolean;
}

/** Raises JOB_NOT_FOUND unless it is their own, or they are an administrator. */
export function requireViewer<J extends Pick<JobEntity, 'userId'>>(
  job: J | null,
  viewer: JobViewer,
  jobId: string,
): asserts job is J {
  if (!job || !(viewer.administrator || job.userId === viewer.userId)) throw noSuchJob(jobId);
}

export const noSuchJob = (jobId: string): ViceError => new ViceError('JOB_NOT_FOUND', `job ${jobId} does not exist`);
