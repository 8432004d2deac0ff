import { ViceError } from '#libs/errors';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const JOB = new RegExp(`^${UUID}(?:\\.[1-9][0-9]{0,8})?$`);
const WRITER = new RegExp(`^(?:${UUID}\\.[1-9][0-9]{0,8}|upload-${UUID})$`);

/** Whether this names something staged: `<job id>.<attempt>` or `upload-<id>`. No such name leads out of a folder. */
export const isWriter = (name: string): boolean => WRITER.test(name);

/** Whether the holds of this holder last as long as a job: `<job id>` or `<job id>.<attempt>`. */
export const isJobWriter = (holder: string): boolean => JOB.test(holder);

/** Whether this is an attempt of the same job as the writer, and one before it. */
export function isEarlierAttempt(name: string, writer: string): boolean {
  const [job, attempt] = name.split('.');
  const [sameJob, thisAttempt] = writer.split('.');
  return job === sameJob && Number(attempt) < Number(thisAttempt);
}

/** The name itself, for use in a path. Raises INTERNAL for what is no writer's name. */
export function checkedWriter(name: string): string {
  if (isWriter(name)) return name;
  throw new ViceError('INTERNAL', `'${name}' is not the name of a writer: expected <job id>.<attempt> or upload-<id>`);
}
