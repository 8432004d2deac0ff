import { request } from 'node:http';
import { type Image } from '#libs/contracts';
import { parsed, type Answer, type ViceClient } from './client.js';

/** An upload whose first half has been sent. */
export interface HeldUpload {
  /** Sends the rest, and resolves with the answer. */
  finish(): Promise<Answer>;
}

/** Sends the first half of `content`, which needs two. */
export async function beginUpload(client: ViceClient, { id }: Image, content: Buffer): Promise<HeldUpload> {
  const head = '--edge\r\nContent-Disposition: form-data; name="upfile"; filename="disk.img"\r\n\r\n';
  const tail = '\r\n--edge--\r\n';
  const half = content.length >> 1;
  const outgoing = request(`${client.url}/v1/image/${id}/file`, {
    method: 'POST',
    agent: false,
    headers: {
      ...client.authorization(),
      'content-type': 'multipart/form-data; boundary=edge',
      'content-length': Buffer.byteLength(head) + content.length + Buffer.byteLength(tail),
    },
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const headers = new Headers(Object.entries(response.headers) as [string, string][]);
          resolve({ status: response.statusCode ?? 0, headers, text, body: parsed(text) });
        });
    });
  });
  answer.catch(() => undefined);
  outgoing.write(head);
  await new Promise<void>((resolve, reject) =>
    outgoing.write(content.subarray(0, half), (error) => (error ? reject(error) : resolve())),
  );
  return {
    finish() {
      outgoing.write(content.subarray(half));
      outgoing.end(tail);
      return answer;
    },
  };
}
