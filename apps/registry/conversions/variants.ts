import {
  type ContentDigest,
  type ContentType,
  type ConvertedBlob,
  type Digest,
  type Instant,
  type JsonObject,
  type Subformat,
  SUBFORMATS,
} from '#libs/contracts';
import { type Transaction } from '../database/index.js';
import { lastConversion, type VariantInHand } from './conversion-plan.js';

/** Content that is kept, with how it came to be. What is said of a tool is null for an original. */
export interface KeptVariant extends VariantInHand {
  size: number;
  contentDigest: ContentDigest | null;
  facts: JsonObject | null;
  derivedFrom: Digest | null;
  tool: string | null;
  arguments: string[] | null;
  createdAt: Instant;
}

/** Content as it was imported or uploaded, and what it was taken for. What is derived from it is kept under both, and the recipes since. */
export interface Original {
  digest: Digest;
  contentType: ContentType;
}

interface VariantRow {
  content_type: ContentType;
  recipe: string;
  digest: Digest;
  size: string;
  content_digest: ContentDigest | null;
  facts: JsonObject | null;
  derived_from: Digest | null;
  source_content_type: ContentType | null;
  tool: string | null;
  arguments: string[] | null;
  created_at: Date;
}

const SELECT_VARIANTS = `
  SELECT v.content_type, v.recipe, v.digest, v.size, nullif(v.content_digest, '') AS content_digest, coalesce(v.facts, i.facts) AS facts,
         v.derived_from, v.source_content_type, v.tool, v.arguments, v.created_at
    FROM variants v JOIN blobs b ON b.digest = v.digest AND b.state <> 'deleting'
    LEFT JOIN inspections i ON i.digest = v.digest AND i.said_to_be = v.content_type AND i.content_type = v.content_type
   WHERE v.source_digest = $1`;

/**
 * All that there is of an image's content, the original first, what was derived oldest first; null where it has none. `contentType` is what
 * the image is shown as, which need not have passed inspection yet: then what was there before counts. With `keep`, none of the blobs can go
 * before the transaction ends.
 */
export async function variantsOf(
  { manager }: Pick<Transaction, 'manager'>,
  image: { digest: Digest | null; contenttype: ContentType | null },
  { keep }: { keep: boolean },
): Promise<[KeptVariant, ...KeptVariant[]] | null> {
  if (image.digest === null) return null;
  const sql = `${SELECT_VARIANTS} ORDER BY v.created_at, v.recipe ${keep ? 'FOR KEY SHARE OF b' : ''}`;
  const rows = (await manager.query(sql, [image.digest])) as VariantRow[];
  const originals = rows.filter(({ recipe }) => recipe === ORIGINAL);
  const original = originals.find(({ content_type }) => content_type === image.contenttype) ?? originals.at(-1);
  if (!original) return null;
  const derived = rows.filter(({ source_content_type }) => source_content_type === original.content_type);
  return [toVariant(original), ...derived.map(toVariant)];
}

/** What was derived by a recipe, kept from going before the transaction ends. */
export async function derivedVariant({ manager }: Transaction, original: Original, recipe: string): Promise<KeptVariant | null> {
  const rows = (await manager.query(`${SELECT_VARIANTS} AND v.source_content_type = $2 AND v.recipe = $3 FOR KEY SHARE OF b`, [
    original.digest,
    original.contentType,
    recipe,
  ])) as VariantRow[];
  return rows[0] ? toVariant(rows[0]) : null;
}

/**
 * Keeps what a conversion made. What is kept under that recipe already stays, and is answered. null where the original is gone meanwhile:
 * then so may be what was made of it.
 */
export async function keepVariant(
  tx: Transaction,
  original: Original,
  recipe: string,
  { derivedFrom, ...made }: ConvertedBlob & { derivedFrom: Digest },
): Promise<KeptVariant | null> {
  const { manager } = tx;
  const there = (await manager.query(`SELECT FROM blobs WHERE digest = $1 AND state <> 'deleting' FOR KEY SHARE`, [
    original.digest,
  ])) as unknown[];
  if (there.length === 0) return null;
  await manager.query(
    `INSERT INTO variants (source_digest, source_content_type, recipe, content_type, digest, size, content_digest, derived_from, tool, arguments, facts)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (source_digest, content_type, recipe) DO UPDATE SET last_used_at = now()`,
    [
      ...[original.digest, original.contentType, recipe, made.contentType, made.digest, made.size, keptContentDigest(made)],
      ...[derivedFrom, made.tool, JSON.stringify(made.arguments), made.facts],
    ],
  );
  return derivedVariant(tx, original, recipe);
}

/** What is known of bytes that were made of an original; null: nothing. */
export async function factsOfDerived({ manager }: Transaction, original: Digest, digest: Digest): Promise<JsonObject | null> {
  const rows = (await manager.query(
    'SELECT facts FROM variants WHERE source_digest = $1 AND digest = $2 AND facts IS NOT NULL LIMIT 1',
    [original, digest],
  )) as { facts: JsonObject }[];
  return rows[0]?.facts ?? null;
}

/** What was used last is dropped last. */
export async function noteUse({ manager }: Transaction, original: Original, { recipe }: KeptVariant): Promise<void> {
  if (recipe === null) return;
  await manager.query(
    'UPDATE variants SET last_used_at = now() WHERE source_digest = $1 AND source_content_type = $2 AND recipe = $3',
    [original.digest, original.contentType, recipe],
  );
}

/** How variants and inspections keep a content digest: '' for what is no disk, null where a worker of a release before did not look. */
export function keptContentDigest({ contentDigest }: { contentDigest?: ContentDigest | null }): string | null {
  return contentDigest === undefined ? null : (contentDigest ?? '');
}

/** The recipe of what nobody converted. */
const ORIGINAL = 'original';

function toVariant(row: VariantRow): KeptVariant {
  const recipe = row.recipe === ORIGINAL ? null : row.recipe;
  return {
    digest: row.digest,
    size: Number(row.size),
    contentType: row.content_type,
    subformat: recipe === null ? subformatIn(row.facts) : (lastConversion(recipe)?.subformat ?? null),
    recipe,
    contentDigest: row.content_digest,
    facts: row.facts,
    derivedFrom: row.derived_from,
    tool: row.tool,
    arguments: row.arguments,
    createdAt: row.created_at.toISOString(),
  };
}

const subformatIn = (facts: JsonObject | null): Subformat | null =>
  SUBFORMATS.find((subformat) => subformat === facts?.createType) ?? null;
