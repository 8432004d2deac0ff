import {
  type ContentType,
  type Digest,
  type Environment,
  type Image,
  type ImageStatus,
  type ImageType,
  type JsonObject,
  type ManagementLayer,
  type RuntimeTechnology,
  type Visibility,
} from '#libs/contracts';

/** An image and its origin as one row, in the order of IMAGE_COLUMNS. bigint comes as text. */
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
  size: string | null;
  digest: Digest | null;
  reference: string | null;
  specifics: JsonObject;
  created: Date;
  updated: Date;
  origin: string | null;
  origin_title: string | null;
  origin_location: string | null;
  origin_username: string | null;
  origin_specifics: JsonObject;
  origin_layer: ManagementLayer | null;
  origin_runtime: RuntimeTechnology | null;
  origin_created: Date;
  origin_updated: Date;
}

/** What is read of an image `i` with its origin `e`: never a secret of the environment. */
export const IMAGE_COLUMNS = `
  i.id, i.user_id AS userid, i.title, i.description, i.tags, i.visibility, i.imagetype, i.contenttype, i.status, i.size, i.digest,
  i.environment_reference AS reference, i.specifics, i.created_at AS created, i.updated_at AS updated,
  e.id AS origin, e.title AS origin_title, e.location AS origin_location, e.username AS origin_username,
  e.specifics AS origin_specifics, e.managementlayer AS origin_layer, e.runtimetechnology AS origin_runtime,
  e.created_at AS origin_created, e.updated_at AS origin_updated`;

export const JOIN_ORIGIN = 'LEFT JOIN environments e ON e.id = i.origin_environment_id AND e.deleted_at IS NULL';

/** An image as `viewer` may see it; null: someone who has not logged in. */
export function toImage(row: ImageRow, viewer: string | null): Image {
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
    originEnvironment: toOrigin(row, viewer),
    environmentReference: row.reference,
    specifics: row.specifics,
    createdAt: row.created.toISOString(),
    updatedAt: row.updated.toISOString(),
  };
}

/** An environment is its owner's alone, who is the image's too: others learn only of what kind it is. */
function toOrigin(row: ImageRow, viewer: string | null): Environment | null {
  if (row.origin === null) return null;
  const kind = { runtimetechnology: row.origin_runtime, managementlayer: row.origin_layer };
  if (row.userid !== viewer) return kind;
  return {
    id: row.origin,
    title: row.origin_title,
    userid: row.userid,
    credentials: { location: row.origin_location, username: row.origin_username, specifics: row.origin_specifics },
    ...kind,
    createdAt: row.origin_created.toISOString(),
    updatedAt: row.origin_updated.toISOString(),
  };
}
