import {
  type ContentDigest,
  type ContentType,
  type Digest,
  type InspectedBlob,
  type Json,
  type JsonObject,
} from '#libs/contracts';
import { keptContentDigest } from '../conversions/variants.js';
import { type JobEntity, type Transaction } from '../database/index.js';

/** What inspection found is kept by digest and by what the content was said to be: the same bytes are not inspected twice. */
export interface Verdict {
  content_type: string | null;
  facts: Json;
  content_digest: ContentDigest | null;
  error_code: string | null;
  error_message: string | null;
}

/** What a release found that did not look for content digests is not known. */
export async function recall(tx: Transaction, job: JobEntity): Promise<Verdict | undefined> {
  const rows = (await tx.manager.query(
    `SELECT content_type, facts, nullif(content_digest, '') AS content_digest, error_code, error_message FROM inspections
      WHERE digest = $1 AND said_to_be = $2 AND (content_digest IS NOT NULL OR error_code IS NOT NULL)`,
    [job.digest, saidToBe(job)],
  )) as Verdict[];
  return rows[0];
}

/** What inspection found in a blob of a content type; null: it is not known. */
export async function knownFacts(tx: Transaction, digest: Digest, contentType: ContentType): Promise<JsonObject | null> {
  const rows = (await tx.manager.query(
    'SELECT facts FROM inspections WHERE digest = $1 AND said_to_be = $2 AND content_type = $2',
    [digest, contentType],
  )) as { facts: JsonObject }[];
  return rows[0]?.facts ?? null;
}

/** Keeps what an inspection found of the content; that it could not be done is nothing to keep. */
export async function remember(tx: Transaction, job: JobEntity, inspected: InspectedBlob | null): Promise<void> {
  if (inspected) {
    for (const said of new Set([saidToBe(job), inspected.contentType])) {
      await tx.manager.query(
        `INSERT INTO inspections AS known (digest, said_to_be, content_type, facts, content_digest) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (digest, said_to_be) DO UPDATE SET facts = excluded.facts, content_digest = excluded.content_digest
           WHERE known.content_type = excluded.content_type AND known.content_digest IS NULL`,
        [job.digest, said, inspected.contentType, inspected.facts, keptContentDigest(inspected)],
      );
    }
  } else if (job.state === 'failed' && job.errorCode?.startsWith('CONTENT_')) {
    await tx.manager.query(
      'INSERT INTO inspections (digest, said_to_be, error_code, error_message) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      [job.digest, saidToBe(job), job.errorCode, job.errorMessage],
    );
  }
}

/** What was found wrong of it is not known any more: it is looked at again. */
export async function forgetRefusal({ manager }: Transaction, job: JobEntity): Promise<void> {
  await manager.query('DELETE FROM inspections WHERE digest = $1 AND said_to_be = $2 AND error_code IS NOT NULL', [
    job.digest,
    saidToBe(job),
  ]);
}

/** The content type, or nothing where nothing was said. */
const saidToBe = (job: JobEntity): string => (job.details.contentType as string | null) ?? '';
