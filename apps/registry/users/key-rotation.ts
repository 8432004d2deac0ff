import { environmentSecret, type Sealed } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { SecretBox } from '#libs/secrets';
import { type EntityManager } from 'typeorm';
import { type Database } from '../database/index.js';
import { databaseKeys, writeDatabaseKeys } from './database-keys.js';

/** Rows that one transaction seals anew: a few, because those who change an environment wait for it. */
const BATCH = 100;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
/** So many environments are named when they cannot be opened. */
const NAMED = 50;

interface SealedRow {
  id: string;
  title: string | null;
  username: string;
  password: Sealed | null;
  secrets: Record<string, Sealed>;
}

/** `keyIds`: the former key of each secret that is sealed anew. */
type Resealed = Pick<SealedRow, 'id' | 'password' | 'secrets'> & { keyIds: string[] };

/** `last` is the id to go on after; undefined after the last row. */
interface Batch {
  resealed: Resealed[];
  last: string | undefined;
}

export interface KeyRotation {
  /** The key that the database belongs to now. */
  keyId: string;
  /** The one that it belonged to before; the same when there was nothing to do. */
  formerKeyId: string;
  environments: number;
  secrets: number;
}

/**
 * Seals all that the database keeps sealed with the box's own key. It may be broken off at any moment and run again, and services may run
 * meanwhile that know both keys. The key of the database is changed last, when nothing is sealed with another.
 * @throws ViceError CONFIGURATION, with nothing changed, when the box does not open everything
 */
export async function rotateKey(database: Database, box: SecretBox): Promise<KeyRotation> {
  const { manager } = database.source;
  const { current } = await databaseKeys(manager);
  if (current !== null && !box.keyIds.includes(current)) {
    throw new ViceError(
      'CONFIGURATION',
      `the database belongs to the secret key ${current}, and ${box.keyIds.join(', ')} are given: give that one in VICE_OTHER_SECRET_KEYS. Nothing was changed`,
    );
  }
  const done: KeyRotation = { keyId: box.keyId, formerKeyId: current ?? box.keyId, environments: 0, secrets: 0 };
  // The key is changed last: so there is nothing left to do.
  if (current === box.keyId) return done;
  await refuseUnopenable(manager, box);
  const all: Resealed[] = [];
  for (let after: string | undefined = FIRST_ID; after !== undefined;) {
    const batch: Batch = await database.transaction(({ manager }) => resealBatch(manager, box, after ?? FIRST_ID));
    all.push(...batch.resealed);
    after = batch.last;
  }
  const formerKeyIds = new Set(all.flatMap(({ keyIds }) => keyIds));
  all.push(...(await database.transaction(({ manager }) => changeKey(manager, box, formerKeyIds))));
  return { ...done, environments: all.length, secrets: all.reduce((sum, { keyIds }) => sum + keyIds.length, 0) };
}

/** Looks at everything before anything is changed. */
async function refuseUnopenable(manager: EntityManager, box: SecretBox): Promise<void> {
  const faults: string[] = [];
  for (let rows = await rowsAfter(manager, FIRST_ID); rows.length > 0; rows = await rowsAfter(manager, rows.at(-1)?.id ?? '')) {
    for (const row of rows) {
      try {
        resealed(row, box);
      } catch (error) {
        faults.push(`  - environment ${row.id} "${row.title ?? ''}" of ${row.username}: ${(error as Error).message}`);
      }
    }
  }
  if (faults.length === 0) return;
  const more = faults.length > NAMED ? [`  - and ${faults.length - NAMED} more`] : [];
  throw new ViceError(
    'CONFIGURATION',
    [
      `the secrets of ${faults.length} environments do not open, so nothing was changed:`,
      ...faults.slice(0, NAMED),
      ...more,
      'Give the keys with which they were sealed in VICE_OTHER_SECRET_KEYS; where those are lost, have the secrets written again or the environments deleted.',
    ].join('\n'),
  );
}

async function resealBatch(manager: EntityManager, box: SecretBox, after: string): Promise<Batch> {
  const rows = await rowsAfter(manager, after, 'FOR UPDATE OF environments');
  return { resealed: await reseal(manager, box, rows), last: rows.at(-1)?.id };
}

/** What was written since with the former key, by services that still seal with it, and then the key itself: nobody writes meanwhile. */
async function changeKey(manager: EntityManager, box: SecretBox, formerKeyIds: ReadonlySet<string>): Promise<Resealed[]> {
  const { current, retired } = await databaseKeys(manager, 'FOR UPDATE');
  const late: Resealed[] = [];
  for (let after: string | undefined = FIRST_ID; after !== undefined;) {
    const batch = await resealBatch(manager, box, after);
    late.push(...batch.resealed);
    after = batch.last;
  }
  const former = new Set([...retired, ...formerKeyIds, ...late.flatMap(({ keyIds }) => keyIds)]);
  if (current !== null) former.add(current);
  former.delete(box.keyId);
  await writeDatabaseKeys(manager, { current: box.keyId, retired: [...former] });
  return late;
}

/** Answers those that were not sealed with the box's own key throughout. */
async function reseal(manager: EntityManager, box: SecretBox, rows: readonly SealedRow[]): Promise<Resealed[]> {
  const changed = rows.map((row) => resealed(row, box)).filter(({ keyIds }) => keyIds.length > 0);
  for (const { id, password, secrets } of changed)
    await manager.query('UPDATE environments SET password = $2, secrets = $3 WHERE id = $1', [id, password, secrets]);
  return changed;
}

/** The row's secrets as the box seals them; what it has sealed already stays. Raises where one does not open. */
function resealed({ id, password, secrets }: SealedRow, box: SecretBox): Resealed {
  const keyIds: string[] = [];
  const anew = (sealed: Sealed, key: string): Sealed => {
    const plain = box.open(sealed, environmentSecret(id, key));
    const keyId = SecretBox.keyIdOf(sealed);
    if (keyId === box.keyId) return sealed;
    keyIds.push(keyId);
    return box.seal(plain, environmentSecret(id, key));
  };
  return {
    id,
    password: password === null ? null : anew(password, 'password'),
    secrets: Object.fromEntries(Object.entries(secrets).map(([key, sealed]) => [key, anew(sealed, key)])),
    keyIds,
  };
}

function rowsAfter(manager: EntityManager, id: string, lock = ''): Promise<SealedRow[]> {
  return manager.query(
    `SELECT environments.id, title, users.username, password, secrets FROM environments JOIN users ON users.id = user_id
      WHERE environments.id > $1 ORDER BY environments.id LIMIT ${BATCH} ${lock}`,
    [id],
  );
}
