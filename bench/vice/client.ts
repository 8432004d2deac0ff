import { randomBytes } from 'node:crypto';
import { until } from '#libs/testing';

/** A user of the API who is logged in. */
export class Client {
  private constructor(
    readonly url: string,
    readonly username: string,
    readonly password: string,
  ) {}

  static async register(url: string): Promise<Client> {
    const client = new Client(url, `bench-${randomBytes(4).toString('hex')}`, randomBytes(12).toString('hex'));
    await client.ask('POST', '/user', 200, { username: client.username, password: client.password });
    return client;
  }

  /** The same user at another gateway of the same database. */
  at(url: string): Client {
    return new Client(url, this.username, this.password);
  }

  get authorization(): string {
    return `Basic ${Buffer.from(`${this.username}:${this.password}`).toString('base64')}`;
  }

  async ask<T>(method: string, path: string, expected: number, body?: object): Promise<T> {
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: { authorization: this.authorization, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== expected) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async createImage(image: object = {}): Promise<string> {
    return (await this.ask<{ id: string }>('POST', '/images', 201, { title: 'bench', ...image })).id;
  }

  async createEnvironment(environment: object): Promise<string> {
    return (await this.ask<{ id: string }>('POST', '/environments', 201, environment)).id;
  }

  fileUrl(imageId: string): string {
    return `${this.url}/v1/image/${imageId}/file`;
  }

  /** Inspection is over, and the image has content. */
  async untilReady(imageId: string): Promise<void> {
    const isReady = async () => (await this.ask<{ status: string }>('GET', `/image/${imageId}`, 200)).status === 'ready';
    await until(isReady, { what: `image ${imageId} is ready`, timeout: 120_000, interval: 100 });
  }
}
