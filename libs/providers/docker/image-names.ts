import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { textOf } from '../specifics.js';

/** `repository:tag`. */
export interface ImageName {
  repository: string;
  tag: string;
}

const SEPARATOR = /^(?:\.|__?|-+)$/;
const COMPONENT = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^(?:${COMPONENT}(?::\\d{1,5})?/)?${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const MAX_REPOSITORY = 100;

export const nameText = ({ repository, tag }: ImageName): string => `${repository}:${tag}`;

/** Under which a container is committed while it is imported. The tag is the marker. */
export const TEMPORARY_REPOSITORY = 'vice-import';

/** The tag by which a deployment is found again: `<title as a repository name>:vice-<the first 12 digits of its id>`. */
export function deploymentName(title: string | null, marker: string): ImageName {
  return { repository: repositoryOf(title), tag: markerTag(marker) };
}

/** Whether this is the tag of a deployment, or a remark beside it. */
export const isMarked = (name: string): boolean => /:vice-[0-9a-f]{12}(?:-|$)/.test(name);

export const markerTag = (marker: string): string => `vice-${marker.replaceAll('-', '').slice(0, 12).toLowerCase()}`;

/** Docker takes no such name: it could be an id, or the beginning of one. */
const LIKE_AN_ID = /^(?:[0-9a-f]{64}|sha256)$/;

/** What Docker allows of a title: "My Tools 2.0!" becomes `my-tools-2.0`; nothing left becomes `image`. */
export function repositoryOf(title: string | null): string {
  const plain = (title ?? '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replace(/[^a-z0-9]+/g, (run) => (SEPARATOR.test(run) ? run : '-'))
    .slice(0, MAX_REPOSITORY)
    .replace(/^[._-]+|[._-]+$/g, '');
  return plain === '' || LIKE_AN_ID.test(plain) ? `image${plain}` : plain;
}

/** `specifics.tag` of a deployment: `name` or `name:tag`. Raises NOT_DEPLOYABLE where it is neither. */
export function wishedName(specifics: JsonObject): ImageName | null {
  const wish = textOf(specifics, 'tag');
  if (wish === undefined) return null;
  const colon = wish.indexOf(':', wish.lastIndexOf('/') + 1);
  const name = colon < 0 ? { repository: wish, tag: 'latest' } : { repository: wish.slice(0, colon), tag: wish.slice(colon + 1) };
  const { repository, tag } = name;
  if (REPOSITORY.test(repository) && !LIKE_AN_ID.test(repository) && repository.length <= 255 && TAG.test(tag)) return name;
  throw new ViceError('NOT_DEPLOYABLE', `specifics.tag "${wish}" is no name of an image; it must be name:tag, in lower case`);
}

/** A name or id of an image or container as a user may type it. Nothing that would lead to another path of the engine's API. */
export const isReference = (text: string): boolean => /^\w[\w./:@-]{0,511}$/.test(text) && !text.split('/').includes('..');

/** The two parts of a tag as an engine lists it. */
export function nameOf(text: string): ImageName {
  const colon = text.lastIndexOf(':');
  return { repository: text.slice(0, colon), tag: text.slice(colon + 1) };
}
