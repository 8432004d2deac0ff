import { type ContentType, type Instant, type Json, type JsonObject } from '#libs/contracts';

/** A record of Glance's image API v2; properties of any name stand beside these fields. */
export interface ImageRecord {
  id: string;
  name: string | null;
  status: string;
  visibility?: string;
  owner?: string | null;
  protected?: boolean;
  /** `qcow2`, `raw`, `vmdk`, … */
  disk_format: string | null;
  /** `bare`, `docker`, … */
  container_format: string | null;
  /** Bytes; null before there is content. */
  size: number | null;
  /** Bytes of the disk as its guest sees it, where the service knows. */
  virtual_size?: number | null;
  /** MD5. */
  checksum?: string | null;
  os_hash_algo?: string | null;
  os_hash_value?: string | null;
  /** GiB. */
  min_disk?: number;
  /** MiB. */
  min_ram?: number;
  created_at?: string;
  [property: string]: unknown;
}

/** Names the deployment that a record was made for: a marker that any cloud keeps, also one that chooses ids itself. */
export const DEPLOYMENT = 'vice_deployment';
/** Names the import that a snapshot was taken for. */
export const IMPORT = 'vice_import';

/** Whether Nova made it of a server: it has the properties of the image that the server was started from, ours among them. */
export const isSnapshot = ({ image_type: type, base_image_ref: base, instance_uuid: instance }: ImageRecord): boolean =>
  type === 'snapshot' || base !== undefined || instance !== undefined;

const PASSING = ['queued', 'saving', 'uploading', 'importing'];

/** Whether a record is on its way to being active. */
export const isPassing = ({ status }: Pick<ImageRecord, 'status'>): boolean => PASSING.includes(status);

/** How Glance calls a content type. */
export const DISK_FORMATS: Readonly<Partial<Record<ContentType, string>>> = {
  'disk-qcow2': 'qcow2',
  'disk-raw': 'raw',
  'disk-vmdk': 'vmdk',
};

/** null: what the record holds cannot be imported. */
export function contentTypeOf({ disk_format: format }: Pick<ImageRecord, 'disk_format'>): ContentType | null {
  const found = Object.entries(DISK_FORMATS).find(([, name]) => name === format);
  return found ? (found[0] as ContentType) : null;
}

/** Why an image cannot be imported; null: it can. */
export function whyNotImportable(record: ImageRecord): string | null {
  if (record.container_format !== null && record.container_format !== 'bare')
    return `its container format is ${record.container_format}, and only bare disks can be imported`;
  if (contentTypeOf(record) === null)
    return `its disk format is ${record.disk_format ?? 'not known'}, and only ${Object.values(DISK_FORMATS).join(', ')} can be imported`;
  if (record.status !== 'active') return `it is ${record.status}`;
  if (record.size === 0) return 'it holds no data: it stands for a volume';
  return null;
}

const FIELDS = [
  ...['id', 'name', 'status', 'visibility', 'owner', 'protected', 'disk_format', 'container_format', 'size', 'virtual_size'],
  ...['checksum', 'os_hash_algo', 'os_hash_value', 'min_disk', 'min_ram', 'created_at', 'updated_at', 'tags', 'os_hidden'],
  ...['self', 'file', 'schema', 'locations', 'direct_url', 'stores'],
];
/** What is kept of a record, besides its properties. */
const KEPT = [
  ...['id', 'name', 'disk_format', 'container_format', 'size', 'virtual_size', 'checksum', 'os_hash_algo', 'os_hash_value'],
  ...['min_disk', 'min_ram', 'created_at', 'tags'],
];

/** What becomes `specifics.openstack` of an image: the fields in Glance's words, and the properties as an object, as `openstack image show` has them. */
export function metadataOf(record: ImageRecord): JsonObject {
  const kept = KEPT.filter((key) => record[key] !== undefined && record[key] !== null).map((key) => [key, record[key] as Json]);
  return { ...(Object.fromEntries(kept) as JsonObject), properties: propertiesOf(record) };
}

function propertiesOf(record: ImageRecord): Record<string, string> {
  const own = Object.entries(record).filter(([key]) => !FIELDS.includes(key) && key !== DEPLOYMENT && key !== IMPORT);
  return Object.fromEntries(own.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** What Glance keeps for itself, or a snapshot says of the server it was taken of: not to be set on another record. */
const NOT_RESTORED =
  /^(os_glance_.*|os_hash_.*|image_(type|location|state)|base_image_ref|instance_uuid|user_id|owner_(id|user_name|project_name|specified\..*)|boot_roles|clean_attempts|block_device_mapping|bdm_v2|root_device_name)$/;

/** The properties that a record had where it came from, and those that the deployment asks for. */
export function restoredProperties(imageSpecifics: JsonObject, specifics: JsonObject): Record<string, string> {
  const kept = asObject(asObject(imageSpecifics['openstack'])['properties']);
  const wanted = asObject(specifics['properties']);
  const all = Object.entries({ ...kept, ...wanted }).filter(([key]) => !FIELDS.includes(key) && !NOT_RESTORED.test(key));
  const texts = all.filter(([, value]) => value !== null && typeof value !== 'object');
  return Object.fromEntries(texts.map(([key, value]) => [key, String(value)]));
}

/** An instant of the cloud's, which may leave the zone out where it means UTC. */
export function instantOf(text: string | undefined): Instant | null {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

export function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
