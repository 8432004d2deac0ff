import { type Logger } from '#libs/observability';
import { type SecretBox } from '#libs/secrets';
import { Database, notLetIn, openDatabase } from './database/index.js';
import { lockForOneProcess } from './database/one-process-lock.js';
import { rotateKey } from './users/key-rotation.js';

interface RotationPlace {
  databaseUrl: string;
  /** Seals with the new key, opens with the former ones too. */
  box: SecretBox;
  logger: Logger;
  /** No RabbitMQ is known: a process that works without one must have ended. */
  alone: boolean;
}

/** Changes the secret key of a database; answers in words what was done. */
export async function rotateDatabaseKey({ databaseUrl, box, logger, alone }: RotationPlace): Promise<string> {
  const source = await openDatabase(databaseUrl, 3).catch((cause: unknown) => {
    throw notLetIn(cause);
  });
  try {
    if (alone) await lockForOneProcess(source);
    const { keyId, formerKeyId, environments, secrets } = await rotateKey(new Database(source, logger), box);
    if (formerKeyId === keyId) return `the database belongs to the secret key ${keyId} already: nothing was changed`;
    return [
      `${secrets} secrets of ${environments} environments are sealed anew, and the database belongs to the secret key ${keyId} now.`,
      `The former one, ${formerKeyId}, opens nothing of it any more; keep it with the backups that were made before.`,
    ].join('\n');
  } finally {
    await source.destroy();
  }
}
