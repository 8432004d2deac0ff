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

/** The log lines in what processes printed; what they say on standard error is not among them. */
export function logLines(printed: string): LogLine[] {
  return printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}
