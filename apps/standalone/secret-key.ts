import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ViceError } from '#libs/errors';
import { SecretBox } from '#libs/secrets';

interface SecretKeys {
  /** Seals, and opens. */
  secretKey: string;
  /** Open as well. */
  otherSecretKeys: string[];
}

const keyFile = (dataDir: string) => join(dataDir, 'secret.key');
/** There while the key is changed: some secrets are sealed with this one, some still with the other. */
const nextKeyFile = (dataDir: string) => join(dataDir, 'secret.key.next');

/**
 * The secret keys of this data folder: one, made at the first start, and readable by its owner only. Whoever loses it loses the credentials of all
 * environments. Two, where a change of the key was broken off.
 */
export async function keptSecretKeys(dataDir: string): Promise<SecretKeys> {
  const key = await madeKey(keyFile(dataDir));
  const next = await keyIn(nextKeyFile(dataDir));
  return next === null ? { secretKey: key, otherSecretKeys: [] } : { secretKey: next, otherSecretKeys: [key] };
}

/**
 * Has `change` work with a new key of this data folder and the present one, and keeps only the new one once it has succeeded. Where it is broken
 * off, both stay, and the next change goes on with the same new key. Where it refuses as CONFIGURATION it has changed nothing, and the new key goes.
 */
export async function withNextKey<T>(dataDir: string, change: (keys: SecretKeys) => Promise<T>): Promise<T> {
  const key = await keyIn(keyFile(dataDir));
  if (key === null) {
    throw new ViceError(
      'CONFIGURATION',
      `there is no secret key in ${dataDir}: set VICE_DATA_DIR; or VICE_SECRET_KEY to the new key, and VICE_OTHER_SECRET_KEYS to the former`,
    );
  }
  const isBegun = (await keyIn(nextKeyFile(dataDir))) !== null;
  const next = await madeKey(nextKeyFile(dataDir));
  try {
    const result = await change({ secretKey: next, otherSecretKeys: [key] });
    await rename(nextKeyFile(dataDir), keyFile(dataDir));
    await flushFolder(dataDir);
    return result;
  } catch (error) {
    if (!isBegun && error instanceof ViceError && error.code === 'CONFIGURATION') await rm(nextKeyFile(dataDir), { force: true });
    throw error;
  }
}

/** The key in the file, which is made where it is not there. */
async function madeKey(path: string): Promise<string> {
  const folder = join(path, '..');
  await mkdir(folder, { recursive: true });
  const key = SecretBox.newKey();
  try {
    await writeFile(path, `${key}\n`, { flag: 'wx', mode: 0o600, flush: true });
    await flushFolder(folder);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readFile(path, 'utf8')).trim();
  }
}

/** Null where there is no such file. */
async function keyIn(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function flushFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync();
}
