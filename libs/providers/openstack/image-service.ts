import { glance } from 'openstack-client';
import { ViceError } from '#libs/errors';
import { cloudError, CloudRefusal, refusalIn } from './cloud-errors.js';
import { type Cloud, type Query, type ServiceAccess } from './cloud.js';
import { type ImageRecord } from './image-record.js';
import { type Upload } from './upload-body.js';

/** Glance's image API v2. Its errors are in words for the user. */
export class ImageService {
  private negotiated: Promise<string> | null = null;

  constructor(private readonly cloud: Cloud) {}

  /** The newest version of its API: `v2.15`, or `v2` where it keeps that to itself. Raises ENVIRONMENT_MISCONFIGURED where there is no v2. */
  async version(): Promise<string> {
    this.negotiated ??= this.negotiate();
    return this.negotiated.catch((error: unknown) => {
      this.negotiated = null;
      throw error;
    });
  }

  /**
   * One page, as long as the cloud makes it at most, and whether there are more. `query` as the API has it: `limit`, `marker`, `name`, …
   * Not by the library, which does not tell of more.
   */
  async page(query: Query): Promise<{ records: ImageRecord[]; more: boolean }> {
    return this.attempt('list the images', async (service) => {
      const { images: records, next } = (await this.cloud.read(service, '/v2/images', query)) as {
        images?: unknown;
        next?: unknown;
      };
      if (!Array.isArray(records)) throw notGlance(service.name);
      return { records: records as ImageRecord[], more: typeof next === 'string' };
    });
  }

  /** Every record that the query finds, over as many pages as that takes. */
  async all(query: Query): Promise<ImageRecord[]> {
    const found: ImageRecord[] = [];
    for (let marker: string | undefined; ; marker = found.at(-1)?.id) {
      const { records, more } = await this.page({ ...query, ...(marker !== undefined && { marker }) });
      found.push(...records);
      if (!more || records.length === 0) return found;
    }
  }

  /** null: there is none, or it is not for this project. */
  async find(id: string): Promise<ImageRecord | null> {
    return this.attempt(`look at the image ${id}`, async ({ library, name }) => {
      const found = await glance.image.show(library, undefined, encodeURIComponent(id)).catch(nullWhenMissing);
      return found === null ? null : recordOf(found, name);
    });
  }

  async create(record: Partial<ImageRecord>): Promise<ImageRecord> {
    return this.attempt('create the image', async ({ library, name }) =>
      recordOf(await glance.image.create(library, undefined, record), name),
    );
  }

  /** What is gone is no error. Raises ENVIRONMENT_REFUSED for a protected image, ENVIRONMENT_BUSY for one in use. */
  async remove(id: string): Promise<void> {
    await this.attempt(`remove the image ${id}`, ({ library }) =>
      glance.image.del(library, undefined, encodeURIComponent(id)).catch(nullWhenMissing),
    ).catch((error: unknown) => {
      const refusal = refusalIn(error);
      if (refusal?.status !== 403 || !/protected/i.test(refusal.said)) throw error;
      throw new ViceError(
        'ENVIRONMENT_REFUSED',
        `the image ${id} is protected in the cloud: take the protection away there (openstack image set --unprotected ${id}), then delete the deployment again`,
      );
    });
  }

  async upload(id: string, upload: Upload): Promise<void> {
    await this.attempt('send the image', ({ root, name, token }) => {
      const headers = { 'x-auth-token': token.id };
      return this.cloud.http.ask({ method: 'PUT', url: fileOf(root, id), service: name, headers, upload });
    }).catch((error: unknown) => {
      const { status } = refusalIn(error) ?? {};
      if (status !== 404 && status !== 410) throw error;
      throw new ViceError('ENVIRONMENT_FAILED', `the image ${id} went from the cloud while it was being sent`, { cause: error });
    });
  }

  /** The bytes from `offset` on, as one connection gives them. */
  async *download(id: string, offset: number): AsyncGenerator<Buffer> {
    const { answer, explain } = await this.attempt('fetch the image', async ({ root, name, token }) => {
      const url = fileOf(root, id);
      const headers = { 'x-auth-token': token.id, ...(offset > 0 && { range: `bytes=${offset}-` }) };
      const opened = await this.cloud.http.data({ method: 'GET', url, service: name, headers });
      return { answer: opened, explain: (error: unknown) => this.cloud.http.explain(error, { service: name, url }) };
    });
    if (answer.headers['content-type']?.startsWith('text/html')) {
      answer.destroy();
      throw new ViceError('ENVIRONMENT_FAILED', `the image service sends a page of HTML instead of the image ${id}`);
    }
    let toSkip = offset - (answer.statusCode === 206 ? firstByte(answer.headers['content-range']) : 0);
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        if (chunk.length > toSkip) yield toSkip > 0 ? chunk.subarray(toSkip) : chunk;
        toSkip = Math.max(0, toSkip - chunk.length);
      }
    } catch (error) {
      throw cloudError(explain(error), 'fetch the image');
    }
  }

  private async attempt<T>(doing: string, work: (service: ServiceAccess) => Promise<T>): Promise<T> {
    await this.version();
    return this.cloud.attempt('image', doing, work);
  }

  private negotiate(): Promise<string> {
    return this.cloud.attempt('image', 'ask the image service for its versions', async ({ root, name }) => {
      const url = new URL(`${root}/`);
      const answer = await this.cloud.http.ask({ method: 'GET', url, service: name }).catch((error: unknown) => {
        // Some clouds show only the versions' own folders.
        if (error instanceof CloudRefusal && [401, 403, 404, 405].includes(error.status)) return null;
        throw error;
      });
      if (answer === null) return 'v2';
      const { versions = [] } = (answer.body ?? {}) as { versions?: { id: string }[] };
      const newest = versions.find(({ id }) => id.startsWith('v2'));
      if (newest) return newest.id;
      const offered = versions.map(({ id }) => id).join(', ') || 'none';
      throw new ViceError(
        'ENVIRONMENT_MISCONFIGURED',
        `version 2 of the image API is needed; the image service at ${url.href} offers ${offered}`,
      );
    });
  }
}

const fileOf = (root: string, id: string) => new URL(`${root}/v2/images/${encodeURIComponent(id)}/file`);

/** Of `bytes 100-199/200`. */
const firstByte = (range: string | undefined) => Number(/^bytes (\d+)-/.exec(range ?? '')?.[1] ?? 0);

export function nullWhenMissing(error: unknown): null {
  if (error instanceof CloudRefusal && (error.status === 404 || error.status === 410)) return null;
  throw error;
}

function recordOf(found: unknown, service: string): ImageRecord {
  const { id, status } = (found ?? {}) as Partial<ImageRecord>;
  if (typeof id !== 'string' || typeof status !== 'string') throw notGlance(service);
  return found as ImageRecord;
}

const notGlance = (service: string) =>
  new ViceError('ENVIRONMENT_FAILED', `${service} answers something that is no image of its API`);
