import { type ContentType, type Digest } from '#libs/contracts';
import { type Transaction } from '../database/index.js';

/** Keeps the content digest of a blob that was taken for a content type, where a release before did not look for it; '' for what is no disk. */
export async function noteContentDigest(
  { manager }: Transaction,
  { digest, contentType }: { digest: Digest; contentType: ContentType },
  contentDigest: string,
): Promise<void> {
  for (const table of ['variants', 'inspections'])
    await manager.query(
      `UPDATE ${table} SET content_digest = $3 WHERE digest = $1 AND content_type = $2 AND content_digest IS NULL`,
      [digest, contentType, contentDigest],
    );
}

/**
 * An original whose content digest nobody looked for, kept from going before the transaction ends; null: there is none. One that was looked
 * at within a day is left alone: it could not be told.
 */
export async function originalToLookAt({
  manager,
}: Transaction): Promise<{ digest: Digest; size: number; contentType: ContentType } | null> {
  const rows = (await manager.query(
    `SELECT v.digest, v.size, v.content_type FROM variants v JOIN blobs b ON b.digest = v.digest AND b.state = 'stored'
      WHERE v.recipe = 'original' AND v.content_digest IS NULL
        AND EXISTS (SELECT FROM images i WHERE i.digest = v.digest AND i.contenttype = v.content_type)
        AND NOT EXISTS (SELECT FROM jobs j WHERE j.digest = v.digest
                           AND (j.state IN ('queued', 'running') OR (j.action = 'inspect' AND j.ended_at > now() - interval '1 day')))
      ORDER BY v.size LIMIT 1 FOR KEY SHARE OF b SKIP LOCKED`,
  )) as { digest: Digest; size: string; content_type: ContentType }[];
  const [row] = rows;
  return row ? { digest: row.digest, size: Number(row.size), contentType: row.content_type } : null;
}
