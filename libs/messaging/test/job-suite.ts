import { type Broker } from '../broker.js';
import { JobBench } from './job-bench.js';
import { jobEndsSuite } from './job-ends-suite.js';
import { jobStopsSuite } from './job-stops-suite.js';

/** What holds for a worker's jobs on every broker, a rule per test. */
export function jobSuite(open: () => Promise<Broker>): void {
  const bench = new JobBench(open);
  jobEndsSuite(bench);
  jobStopsSuite(bench);
}
