import { type EntityManager } from 'typeorm';

/** The row of `settings` with the id of the secret key that the database belongs to. */
export const KEY_SETTING = 'secret-key-id';
/** The row with the ids of those it belonged to before, separated by commas: nothing may be sealed with them any more. */
export const RETIRED_SETTING = 'retired-secret-key-ids';

export interface DatabaseKeys {
  current: string | null;
  retired: string[];
}

/** @param lock `FOR SHARE` keeps the key from being changed until the transaction ends, `FOR UPDATE` is for who changes it */
export async function databaseKeys(manager: EntityManager, lock: '' | 'FOR SHARE' | 'FOR UPDATE' = ''): Promise<DatabaseKeys> {
  const read = async (name: string, locked = '') => {
    const rows = (await manager.query(`SELECT value FROM settings WHERE name = $1 ${locked}`, [name])) as { value: string }[];
    return rows[0]?.value;
  };
  // The second only when the first is locked: so it sees what whoever held that lock before has written.
  const current = await read(KEY_SETTING, lock);
  const retired = await read(RETIRED_SETTING);
  return { current: current ?? null, retired: retired?.split(',') ?? [] };
}

export async function writeDatabaseKeys(manager: EntityManager, { current, retired }: DatabaseKeys): Promise<void> {
  const write = (name: string, value: string) =>
    manager.query('INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value', [
      name,
      value,
    ]);
  if (current !== null) await write(KEY_SETTING, current);
  if (retired.length > 0) await write(RETIRED_SETTING, retired.join(','));
  else await manager.query('DELETE FROM settings WHERE name = $1', [RETIRED_SETTING]);
}
