import { request } from 'node:http';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface DockerRequest {
  query?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, as a tar. */
  body?: Readable;
}

/** One request to an engine's socket. A failed one throws; also one that fails inside a 200, as loads and imports do. */
export async function dockerApi(
  socket: string,
  method: string,
  path: string,
  { query, json, body }: DockerRequest = {},
): Promise<string> {
  const search = query ? `?${new URLSearchParams(query).toString()}` : '';
  const headers =
    json !== undefined ? { 'content-type': 'application/json' } : body ? { 'content-type': 'application/x-tar' } : {};
  const outgoing = request({ socketPath: socket, method, path: path + search, headers: { ...headers, connection: 'close' } });
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    outgoing.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
  });
  const sent = body ? pipeline(body, outgoing) : void outgoing.end(json === undefined ? undefined : JSON.stringify(json));
  const [{ status, text }] = await Promise.all([answer, sent]);
  if (status >= 400 || text.includes('"errorDetail"')) throw new Error(`${method} ${path}: ${status} ${text.trim().slice(-500)}`);
  return text;
}

/** Runs a container of the image without a network, waits for its end, removes it, and returns what it printed. */
export async function runContainer(
  socket: string,
  image: string,
  command?: string[],
): Promise<{ exitCode: number; output: string }> {
  const created = await dockerApi(socket, 'POST', '/containers/create', {
    json: { Image: image, Cmd: command, Tty: true, NetworkDisabled: true, HostConfig: { NetworkMode: 'none' } },
  });
  const { Id: id } = JSON.parse(created) as { Id: string };
  try {
    await dockerApi(socket, 'POST', `/containers/${id}/start`);
    const ended = JSON.parse(await dockerApi(socket, 'POST', `/containers/${id}/wait`)) as { StatusCode: number };
    const output = await dockerApi(socket, 'GET', `/containers/${id}/logs`, { query: { stdout: '1', stderr: '1' } });
    return { exitCode: ended.StatusCode, output: output.replaceAll('\r\n', '\n') };
  } finally {
    await dockerApi(socket, 'DELETE', `/containers/${id}`, { query: { force: '1', v: '1' } });
  }
}
