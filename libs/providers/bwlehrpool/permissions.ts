import { type Json, type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type ImagePermissions } from './calls/structs.js';

const RIGHTS = ['link', 'download', 'edit', 'admin'] as const;
const EXAMPLE = '{"link": true, "download": true, "users": {"<user id>": {"edit": true}}}';

/** Who may do what with images that we deploy. */
export interface Permissions {
  /** Everybody who may use the satellite. */
  everybody: Required<ImagePermissions>;
  /** Single users, by their id. */
  users: Map<string, Required<ImagePermissions>>;
}

/** Nothing for anybody but the owner: as a satellite makes it itself. */
export const NO_RIGHTS: Required<ImagePermissions> = { link: false, download: false, edit: false, admin: false };

/** `credentials.specifics.permissions`: rights for everybody, and for single users under `users`. Without it the image is its owner's alone. */
export function permissionsOf(specifics: JsonObject): Permissions {
  const said = Object.entries(specifics).find(([spelt]) => spelt.toLowerCase() === 'permissions')?.[1] ?? {};
  const { users = {}, ...everybody } = objectOf(said, 'permissions');
  const entries = Object.entries(objectOf(users, 'permissions.users'));
  return {
    everybody: rightsOf(everybody, 'permissions'),
    users: new Map(entries.map(([id, rights]) => [id, rightsOf(objectOf(rights, 'permissions.users'), 'permissions.users')])),
  };
}

function rightsOf(said: JsonObject, where: string): Required<ImagePermissions> {
  for (const [right, value] of Object.entries(said)) {
    if (!(RIGHTS as readonly string[]).includes(right)) throw wrong(`${where} knows no right "${right}"`);
    if (typeof value !== 'boolean') throw wrong(`${where}.${right} must be true or false`);
  }
  return { ...NO_RIGHTS, ...(said as ImagePermissions) };
}

function objectOf(value: Json, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw wrong(`${where} must be an object`);
}

const wrong = (what: string) =>
  new ViceError('ENVIRONMENT_MISCONFIGURED', `credentials.specifics.${what}; it looks like ${EXAMPLE}`);
