import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Deployment, type Image, type Job } from '#libs/contracts';
import { until } from '#libs/testing';
import { isOpen, type Answer, type ViceClient } from './client.js';

/** Within which every request has to be answered, whatever is the matter: a login and a question may take 10 s each. */
export const ANSWER_MS = 25_000;
/** An upload under way bears with an outage for half a minute, besides. */
const UPLOAD_ANSWER_MS = 75_000;

const UPLOAD_BYTES = 200_000;
/** Between two requests of one client. */
const THINKING_MS = 50;

/** What clients were promised, and what there must be in the end therefore. */
interface Promises {
  /** Uploads that were answered 200. */
  uploads: { imageId: string; digest: string }[];
  /** Images whose import was answered 201. */
  imports: string[];
  /** Deployments that were answered 201. */
  deployments: string[];
}

interface LoadPlan {
  /** With an own login, or several. */
  client: ViceClient;
  /** Environment with the image `reference`, which is imported and into which `imageId` is deployed. */
  environmentId: string;
  reference: string;
  imageId: string;
}

/**
 * Several clients that work without a break, each on one thing after the other: uploads, imports, deployments, and questions. None is stopped
 * by an answer 503. Anything else than success or a proper 503 in time is a fault.
 */
export class Load {
  readonly promised: Promises = { uploads: [], imports: [], deployments: [] };
  readonly faults: string[] = [];
  /** Requests answered so far, by status. */
  readonly answered = new Map<number, number>();
  private stopped = false;
  private readonly clients: Promise<void>[];

  constructor(private readonly plan: LoadPlan) {
    const works = [this.upload, this.upload, this.import, this.import, this.deploy, this.look];
    this.clients = works.map((work) => this.repeat(work));
  }

  /** Resolves when each kind of work was promised so often since this was asked. */
  async goesOn(times = 2): Promise<void> {
    const kinds = Object.values(this.promised) as unknown[][];
    const before = kinds.map((promises) => promises.length);
    await until(() => kinds.every((promises, kind) => promises.length >= (before[kind] ?? 0) + times), {
      what: `${times} more of each kind of work are promised`,
      timeout: 120_000,
    });
  }

  /** Resolves when all clients have ended what they are at. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.clients);
  }

  private async repeat(work: () => Promise<void>): Promise<void> {
    while (!this.stopped) {
      try {
        await work.call(this);
      } catch (error) {
        if (!(error instanceof NotNow)) this.faults.push(String(error));
      }
      await pause(THINKING_MS);
    }
  }

  private async upload(): Promise<void> {
    const { id } = await this.asked<Image>('POST', '/images', { json: { title: 'uploaded under load' } });
    const content = randomBytes(UPLOAD_BYTES);
    const form = new FormData();
    form.set('upfile', new Blob([content]), 'disk.img');
    await this.asked('POST', `/image/${id}/file`, { form });
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    this.promised.uploads.push({ imageId: id, digest });
    await this.settled(`/image/${id}`);
  }

  private async import(): Promise<void> {
    const { environmentId, reference } = this.plan;
    const json = { originEnvironment: { id: environmentId }, environmentReference: reference };
    const { id } = await this.asked<Image>('POST', '/images', { json });
    this.promised.imports.push(id);
    await this.settled(`/image/${id}`);
  }

  private async deploy(): Promise<void> {
    const { imageId: imageid, environmentId } = this.plan;
    const { id } = await this.asked<Deployment>('POST', '/deploy', { json: { imageid, environmentId } });
    this.promised.deployments.push(id);
    await this.settled(`/deployment/${id}`);
  }

  private async look(): Promise<void> {
    for (const path of ['/user', '/images', '/environments', '/deployments', '/runtimestats']) await this.asked('GET', path);
  }

  /** Waits, as a client that polls, until no job of it is open, or the load is stopped. */
  private async settled(path: string): Promise<void> {
    while (!this.stopped) {
      await pause(THINKING_MS * 2);
      try {
        if (!(await this.asked<Job[]>('GET', `${path}/jobs`)).some(isOpen)) return;
      } catch (error) {
        if (!(error instanceof NotNow)) throw error;
      }
    }
  }

  /** The body of a good answer. Raises NotNow for a 503 as it should be. */
  private async asked<T>(method: string, path: string, body: { json?: unknown; form?: FormData } = {}): Promise<T> {
    const timeout = body.form ? UPLOAD_ANSWER_MS : ANSWER_MS;
    const answer = await this.plan.client.request<T>(method, path, { ...body, timeout }).catch((error: unknown) => {
      throw new Error(`${method} ${path}: ${String(error)}`);
    });
    this.answered.set(answer.status, (this.answered.get(answer.status) ?? 0) + 1);
    if (answer.status === 200 || answer.status === 201) return answer.body;
    const fault = whyNoRefusal(answer);
    if (fault !== null) throw new Error(`${method} ${path}: ${fault}`);
    throw new NotNow();
  }
}

/** Refused for now, as announced. */
class NotNow extends Error {}

/** Null for a 503 that says when to come back, as a problem. */
export function whyNoRefusal({ status, headers, text, body }: Answer): string | null {
  if (status !== 503) return `${status} ${text}`;
  if (!/^[1-9]\d*$/.test(headers.get('retry-after') ?? '')) return '503 without Retry-After';
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return '503 that is no problem+json';
  return (body as { status?: number }).status === 503 ? null : `503 with another problem: ${text}`;
}
