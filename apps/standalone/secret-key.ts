import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretBox } from '#libs/secrets';

/** The secret key of this data folder: made at the first start, and readable by its owner only. Whoever loses it loses the credentials of all environments. */
export async function keptSecretKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret.key');
  await mkdir(dataDir, { recursive: true });
  try {
    const file = await open(path, 'wx', 0o600);
    await using _ = { [Symbol.asyncDispose]: () => file.close() };
    const key = SecretBox.newKey();
    await file.writeFile(`${key}\n`);
    await file.sync();
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readFile(path, 'utf8')).trim();
  }
}
