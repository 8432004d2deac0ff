import { freePortWithOffsets } from './free-port.js';
import { runScript } from './scripts.js';
import { shortTempPath } from './temp-dir.js';

/** A real S3 API of the test's own: OpenStack Swift. */
export interface TestObjectStore extends AsyncDisposable {
  /** `http://127.0.0.1:…`, path style, region us-east-1 */
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** A key that may do nothing. */
  powerless: { accessKeyId: string; secretAccessKey: string };
  /** Makes a bucket; `quotaBytes`: how much it takes. */
  makeBucket(name: string, quotaBytes?: number): Promise<void>;
  /** The keys of all objects in a bucket. */
  keys(bucket: string): Promise<string[]>;
  /** Ends it; `start` brings it back with what it held. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes what it held. */
  stop(): Promise<void>;
}

/** Takes 2 s; the very first one on a machine downloads what it needs. */
export async function startObjectStore(): Promise<TestObjectStore> {
  const dir = shortTempPath();
  const port = await freePortWithOffsets([1, 2, 3, 4]);
  const script = async (...args: string[]) => void (await runScript('swift.sh', args, {}));
  const start = () => script('start', dir, String(port));
  const stop = () => script('stop', dir);
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    accessKeyId: 'vice:vice',
    secretAccessKey: 'vice-secret',
    powerless: { accessKeyId: 'vice:reader', secretAccessKey: 'reader-secret' },
    async makeBucket(name, quotaBytes) {
      const quota: Record<string, string> =
        quotaBytes === undefined ? {} : { 'X-Container-Meta-Quota-Bytes': String(quotaBytes) };
      await ask(endpoint, 'PUT', `/${name}`, quota);
      await ask(endpoint, 'PUT', `/${name}+segments`, quota);
    },
    keys: async (bucket) => (await (await ask(endpoint, 'GET', `/${bucket}`)).text()).split('\n').filter(Boolean),
    halt: () => script('stop-keep', dir),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A request to Swift's own API. */
async function ask(endpoint: string, method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  const login = await fetch(`${endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': 'vice:vice', 'X-Auth-Key': 'vice-secret' } });
  const [url, token] = ['x-storage-url', 'x-auth-token'].map((name) => login.headers.get(name));
  const answer = await fetch(`${url}${path}`, { method, headers: { ...headers, 'X-Auth-Token': token! } });
  if (!answer.ok) throw new Error(`Swift answered ${method} ${path} with ${answer.status}: ${await answer.text()}`);
  return answer;
}
