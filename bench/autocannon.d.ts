/** What is used of autocannon, which brings no types of its own. */
declare module 'autocannon' {
  interface LoadOptions {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    headers?: Record<string, string>;
    /** Each connection sends them in turn. */
    requests: { method: string; path: string }[];
  }
  interface LoadResult {
    requests: { average: number };
    /** Milliseconds. */
    latency: { p50: number; p99: number };
    non2xx: number;
    errors: number;
  }
  export default function autocannon(options: LoadOptions): Promise<LoadResult>;
}
