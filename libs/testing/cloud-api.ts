import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A project of a test's cloud, and the one user in it. */
export interface CloudProject {
  /** Name of the project. */
  name: string;
  username: string;
  password: string;
  /** Name of the domain of both. */
  domain: string;
}

export type CloudService = 'identity' | 'image' | 'compute';

export interface CloudRequest {
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, by default as `application/octet-stream`: a buffer with its Content-Length, a stream in chunks. */
  body?: Uint8Array | Readable;
  headers?: Record<string, string>;
}

export interface CloudAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
  /** The body, parsed. */
  json<T>(): T;
}

/** Where a cloud is. */
export interface CloudAddress {
  /** `http://127.0.0.1:…/v3` */
  authUrl: string;
  /** PEM of the CA that its certificates come from, or null where there are none. */
  ca: string | null;
}

interface Token {
  token: string;
  /** Public address of each service, by its type. */
  urls: Map<string, string>;
}

interface TokenAnswer {
  token: { catalog: { type: string; endpoints: { interface: string; url: string }[] }[] };
}

/** Speaks to the services of a cloud for its projects; keeps a token for each. Not by `fetch`, which trusts no CA of a test. */
export class CloudApi {
  private readonly tokens = new Map<string, Promise<Token>>();

  constructor(private readonly address: CloudAddress) {}

  /** One request to a service, as `call(project, 'image', 'GET', '/v2/images')`. A failed one throws, with its status in the message. */
  async call(
    project: CloudProject,
    service: CloudService,
    method: string,
    path: string,
    { json, body, headers }: CloudRequest = {},
  ): Promise<CloudAnswer> {
    for (let firstTry = true; ; firstTry = false) {
      const { token, urls } = await this.token(project);
      const url = urls.get(service);
      if (url === undefined) throw new Error(`the cloud has no ${service} service`);
      const answer = await this.send(method, url + path, { json, body, headers: { 'x-auth-token': token, ...headers } });
      // a token ends by time, or with a cloud that was started anew
      if (answer.status === 401 && firstTry && !(body instanceof Readable)) this.tokens.delete(project.name);
      else if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${excerpt(answer)}`);
      else return answer;
    }
  }

  /** For when the catalogue, which comes with each token, has changed. */
  forgetTokens(): void {
    this.tokens.clear();
  }

  private token(project: CloudProject): Promise<Token> {
    const known = this.tokens.get(project.name);
    if (known) return known;
    const asked = this.logIn(project);
    this.tokens.set(project.name, asked);
    asked.catch(() => this.tokens.delete(project.name));
    return asked;
  }

  private async logIn({ name, username, password, domain }: CloudProject): Promise<Token> {
    const user = { name: username, password, domain: { name: domain } };
    const answer = await this.send('POST', `${this.address.authUrl}/auth/tokens`, {
      json: {
        auth: {
          identity: { methods: ['password'], password: { user } },
          scope: { project: { name, domain: { name: domain } } },
        },
      },
    });
    if (answer.status !== 201) throw new Error(`no token for ${username}: ${answer.status} ${excerpt(answer)}`);
    const urls = answer
      .json<TokenAnswer>()
      .token.catalog.map(({ type, endpoints }): [string, string | undefined] => [
        type,
        endpoints.find((endpoint) => endpoint.interface === 'public')?.url,
      ]);
    return {
      token: String(answer.headers['x-subject-token']),
      urls: new Map(urls.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    };
  }

  private async send(method: string, url: string, { json, body, headers }: CloudRequest): Promise<CloudAnswer> {
    const content = json === undefined ? body : Buffer.from(JSON.stringify(json));
    const outgoing = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
      method,
      agent: false,
      ca: this.address.ca ?? undefined,
      headers: {
        ...(content !== undefined && { 'content-type': json === undefined ? 'application/octet-stream' : 'application/json' }),
        ...(content instanceof Uint8Array && { 'content-length': content.byteLength }),
        ...headers,
      },
    });
    const answer = new Promise<CloudAnswer>((resolve, reject) => {
      outgoing.on('error', reject).on('response', (response) => {
        const chunks: Buffer[] = [];
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('error', reject)
          .on('end', () => {
            const bytes = Buffer.concat(chunks);
            const parse = <T>() => JSON.parse(bytes.toString('utf8')) as T;
            resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, json: parse });
          });
      });
    });
    // what ends the body early ends the request, and so the answer, unless that has come already
    if (content instanceof Readable) pipeline(content, outgoing).catch(() => undefined);
    else outgoing.end(content);
    return answer;
  }
}

function excerpt({ bytes }: CloudAnswer): string {
  return bytes.toString('utf8').trim().slice(0, 500);
}
