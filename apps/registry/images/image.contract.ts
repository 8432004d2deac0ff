import {
  type ContentDigest,
  type ContentType,
  type Digest,
  type Environment,
  type Image,
  type ImageStatus,
  type ImageType,
  type Instant,
  type JsonObject,
  type ManagementLayer,
  type RuntimeTechnology,
  type Visibility,
} from '#libs/contracts';

/** An instant as the API writes it. PostgreSQL does it faster than the driver makes a Date of it that we make text of. */
const instant = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** SQL: of the original of an image `i`, as what it is shown as; null for what is no disk. */
const CONTENT_DIGEST = `(
  SELECT nullif(v.content_digest, '') FROM variants v
   WHERE v.source_digest = i.digest AND v.content_type = i.contenttype AND v.recipe = 'original')`;

/** SQL: whether an image `i` is a disk of the content digest that a parameter holds. */
export const isSameDisk = (parameter: string): string => `(i.digest, i.contenttype) IN (
  SELECT v.source_digest, v.content_type FROM variants v
   WHERE v.content_digest = ${parameter} AND v.content_digest <> '' AND v.recipe = 'original')`;

/** What is read of an image `i`. */
export const IMAGE_COLUMNS = `
  i.id, i.user_id AS userid, i.title, i.description, i.tags, i.visibility, i.imagetype, i.contenttype, i.status, i.size, i.digest,
  ${CONTENT_DIGEST} AS content_digest, i.environment_reference AS reference, i.specifics, ${instant('i.created_at')} AS created, ${instant('i.updated_at')} AS updated,
  i.origin_environment_id AS origin`;

export interface ImageRow {
  id: string;
  userid: string;
  title: string | null;
  description: string | null;
  tags: string[];
  visibility: Visibility;
  imagetype: ImageType | null;
  contenttype: ContentType | null;
  status: ImageStatus;
  /** bigint comes as text. */
  size: string | null;
  digest: Digest | null;
  content_digest: ContentDigest | null;
  reference: string | null;
  specifics: JsonObject;
  created: Instant;
  updated: Instant;
  origin: string | null;
}

/** What is read of an image's origin `e`: never a secret of the environment. */
export const ORIGIN_COLUMNS = `
  e.id AS origin_id, e.title AS origin_title, e.location AS origin_location, e.username AS origin_username,
  e.specifics AS origin_specifics, e.managementlayer AS origin_layer, e.runtimetechnology AS origin_runtime,
  ${instant('e.created_at')} AS origin_created, ${instant('e.updated_at')} AS origin_updated`;

export interface OriginRow {
  origin_id: string;
  origin_title: string | null;
  origin_location: string | null;
  origin_username: string | null;
  origin_specifics: JsonObject;
  origin_layer: ManagementLayer | null;
  origin_runtime: RuntimeTechnology | null;
  origin_created: Instant;
  origin_updated: Instant;
}

/** Images with their origins; where there is none, all columns of the origin are null. */
export const SELECT_IMAGES = `SELECT ${IMAGE_COLUMNS}, ${ORIGIN_COLUMNS}
  FROM images i LEFT JOIN environments e ON e.id = i.origin_environment_id AND e.deleted_at IS NULL`;

export type ImageWithOriginRow = ImageRow & (OriginRow | { origin_id: null });

/** An image as `viewer` may see it; null: someone who has not logged in. */
export function toImage(row: ImageRow, origin: OriginRow | { origin_id: null } | undefined, viewer: string | null): Image {
  return {
    id: row.id,
    userid: row.userid,
    title: row.title,
    description: row.description,
    tags: row.tags,
    visibility: row.visibility,
    imagetype: row.imagetype,
    contenttype: row.contenttype,
    imported: row.status === 'ready',
    status: row.status,
    size: row.size === null ? null : Number(row.size),
    digest: row.digest,
    contentDigest: row.content_digest,
    originEnvironment: origin && origin.origin_id !== null ? toOrigin(row, origin, viewer) : null,
    environmentReference: row.reference,
    specifics: row.specifics,
    createdAt: row.created,
    updatedAt: row.updated,
  };
}

/** An environment is its owner's alone, who is the image's too: others learn only of what kind it is. */
function toOrigin(image: ImageRow, origin: OriginRow, viewer: string | null): Environment {
  const kind = { runtimetechnology: origin.origin_runtime, managementlayer: origin.origin_layer };
  if (image.userid !== viewer) return kind;
  return {
    id: origin.origin_id,
    title: origin.origin_title,
    userid: image.userid,
    credentials: {
      location: origin.origin_location,
      username: origin.origin_username,
      specifics: origin.origin_specifics,
    },
    ...kind,
    createdAt: origin.origin_created,
    updatedAt: origin.origin_updated,
  };
}
