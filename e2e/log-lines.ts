/** One line of a service's log. */
export interface LogLine {
  service: string;
  level: number;
  msg: string;
  requestId?: string;
  jobId?: string;
  attempt?: number;
  traceId?: string;
  [field: string]: unknown;
}

/** All lines of what processes printed; each has to be JSON. `greeting`: lines of other text that standalone begins with. */
export function logLines(printed: string): LogLine[] {
  return printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}
