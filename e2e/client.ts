import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { type Deployment, type Environment, type Image, type Job } from '#libs/contracts';
import { until } from '#libs/testing';

export interface Answer<T = unknown> {
  status: number;
  headers: Headers;
  /** As it came. */
  text: string;
  /** The JSON in it, undefined where it is none. */
  body: T;
}

export interface Login {
  username: string;
  password: string;
}

interface RequestOptions {
  json?: unknown;
  xml?: string;
  form?: FormData;
  headers?: Record<string, string>;
  /** Milliseconds until the whole answer must be there. */
  timeout?: number;
}

/** What an upload or an import needs at most on a busy machine. */
const LONG_MS = 120_000;

/** A user of the API at `/v1`: one with a login, or an anonymous one. */
export class ViceClient {
  constructor(
    readonly url: string,
    readonly login: Login | null,
    private readonly heard: string[],
  ) {}

  /** Creates a user and returns a client that is logged in as it. */
  async register(name = `user-${randomBytes(5).toString('hex')}`): Promise<ViceClient> {
    const login = { username: name, password: `pass word:${randomBytes(9).toString('hex')}` };
    const { status } = await this.post('/user', login);
    expect(status).toBe(200);
    return this.as(login);
  }

  as(login: Login): ViceClient {
    return new ViceClient(this.url, login, this.heard);
  }

  /** The same user at another gateway. */
  at(url: string): ViceClient {
    return new ViceClient(url, this.login, this.heard);
  }

  async request<T>(
    method: string,
    path: string,
    { json, xml, form, headers = {}, timeout }: RequestOptions = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: {
        ...this.authorization(),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(xml !== undefined && { 'content-type': 'application/xml' }),
        ...headers,
      },
      body: form ?? xml ?? (json === undefined ? undefined : JSON.stringify(json)),
      ...(timeout !== undefined && { signal: AbortSignal.timeout(timeout) }),
    });
    const text = await response.text();
    this.heard.push(text, ...response.headers.values());
    return { status: response.status, headers: response.headers, text, body: parsed(text) as T };
  }

  get = <T = unknown>(path: string, headers?: Record<string, string>) => this.request<T>('GET', path, { headers });
  post = <T = unknown>(path: string, json?: unknown) => this.request<T>('POST', path, { json });
  put = <T = unknown>(path: string, json?: unknown) => this.request<T>('PUT', path, { json });
  delete = (path: string) => this.request('DELETE', path);

  authorization(): Record<string, string> {
    if (!this.login) return {};
    return { authorization: `Basic ${Buffer.from(`${this.login.username}:${this.login.password}`).toString('base64')}` };
  }

  async createImage(image: object = {}): Promise<Image> {
    return expectStatus(201, await this.post<Image>('/images', image));
  }

  async createEnvironment(environment: object): Promise<Environment & { id: string }> {
    return expectStatus(201, await this.post<Environment & { id: string }>('/environments', environment));
  }

  /** Registers a Docker Engine. */
  dockerEnvironment(location: string, title = 'an engine'): Promise<Environment & { id: string }> {
    return this.createEnvironment({ title, managementlayer: { software: 'docker' }, credentials: { location } });
  }

  async import(environmentId: string, environmentReference: string, image: object = {}): Promise<Image> {
    return this.createImage({ ...image, originEnvironment: { id: environmentId }, environmentReference });
  }

  async deploy(imageid: string, environmentId: string, more: object = {}): Promise<Deployment> {
    return expectStatus(201, await this.post<Deployment>('/deploy', { imageid, environmentId, ...more }));
  }

  upload(imageId: string, content: Uint8Array, fileName = 'image'): Promise<Answer> {
    const form = new FormData();
    form.set('upfile', new Blob([content as Uint8Array<ArrayBuffer>]), fileName);
    return this.request('POST', `/image/${imageId}/file`, { form });
  }

  /** A new image with this content, once it has passed. */
  async uploadedImage(content: Uint8Array, image: object = {}): Promise<Image> {
    const { id } = await this.createImage(image);
    expectStatus(200, await this.upload(id, content));
    const settled = await this.settledImage(id);
    expect(settled.status).toBe('ready');
    return settled;
  }

  download(imageId: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    return fetch(`${this.url}/v1/image/${imageId}/file`, { method, headers: { ...this.authorization(), ...headers } });
  }

  async image(id: string): Promise<Image> {
    return expectStatus(200, await this.get<Image>(`/image/${id}`));
  }

  async imageJobs(id: string): Promise<Job[]> {
    return expectStatus(200, await this.get<Job[]>(`/image/${id}/jobs`));
  }

  async deployment(id: string): Promise<Deployment> {
    return expectStatus(200, await this.get<Deployment>(`/deployment/${id}`));
  }

  async deploymentJobs(id: string): Promise<Job[]> {
    return expectStatus(200, await this.get<Job[]>(`/deployment/${id}/jobs`));
  }

  /** The image when nothing is under way for it any more: ready, failed or empty, and no job of it open. */
  settledImage(id: string): Promise<Image> {
    const settled = async () => {
      const open = (await this.imageJobs(id)).some(isOpen);
      const image = await this.image(id);
      return !open && image.status !== 'importing' && image;
    };
    return this.until(settled, `image ${id} is settled`);
  }

  settledDeployment(id: string): Promise<Deployment> {
    const settled = async () => {
      const deployment = await this.deployment(id);
      return ['deployed', 'failed'].includes(deployment.status) && deployment;
    };
    return this.until(settled, `deployment ${id} is settled`);
  }

  /** Imports it, and raises with its jobs where that fails. */
  async importedImage(environmentId: string, environmentReference: string, image: object = {}): Promise<Image> {
    const { id } = await this.import(environmentId, environmentReference, image);
    const settled = await this.settledImage(id);
    expect({ ...settled, jobs: await this.imageJobs(id) }).toMatchObject({ status: 'ready' });
    return settled;
  }

  /** Deploys it, and raises with its jobs where that fails. */
  async deployed(imageId: string, environmentId: string, more: object = {}): Promise<Deployment> {
    const { id } = await this.deploy(imageId, environmentId, more);
    const settled = await this.settledDeployment(id);
    expect({ ...settled, jobs: await this.deploymentJobs(id) }).toMatchObject({ status: 'deployed' });
    return settled;
  }

  /** Deletes the deployment and waits until it is gone. */
  async undeploy(id: string): Promise<void> {
    expectStatus(200, await this.delete(`/deployment/${id}`));
    await this.undeployed(id);
  }

  async undeployed(id: string): Promise<void> {
    await this.until(async () => (await this.get(`/deployment/${id}`)).status === 404, `deployment ${id} is gone`);
  }

  /** The newest job at `/image/{id}` or `/deployment/{id}` once it is as the test wants it. */
  job(of: string, condition: (job: Job) => boolean, what: string): Promise<Job> {
    const found = async () => {
      const [job] = expectStatus(200, await this.get<Job[]>(`${of}/jobs`));
      return job && condition(job) && job;
    };
    return this.until(found, what);
  }

  private until<T>(condition: () => Promise<T | false | undefined>, what: string): Promise<T> {
    return until(condition, { what, timeout: LONG_MS, interval: 50 }) as Promise<T>;
  }
}

/** It has moved some bytes, and not come to its end. */
export const isUnderWay = (job: Job): boolean => job.state === 'running' && job.bytesDone > 0;

export const isOpen = (job: Job): boolean => job.state === 'queued' || job.state === 'running';

/** The body of an answer that must have this status. */
export function expectStatus<T>(status: number, answer: Answer<T>): T {
  if (answer.status !== status) throw new Error(`the answer is ${answer.status} and not ${status}: ${answer.text}`);
  return answer.body;
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
