import { type JobType } from '#libs/contracts';
import { handlerMethod } from '../nest-handler.js';
import { type RunningJob } from './running-job.js';

/** Tells Nest which handlers are jobs and which are calls, where one application serves both. */
export const JOBS = Symbol('jobs');

/**
 * The method that runs a sort of job: `(payload, job) => Promise<Result>`. Its class is a Nest `@Controller()`, listed under `controllers`.
 * It may run twice for one job. Its ViceError ends the attempt, tried again where the table of errors calls the code transient; anything else it throws is transient.
 */
export function JobHandler<Payload, Result>(type: JobType<Payload, Result>) {
  return <Handler extends (payload: Payload, job: RunningJob) => Promise<Result>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Handler>,
  ): void => handlerMethod(JOBS, type.action, { kind: type.kind })(target, key, descriptor);
}
