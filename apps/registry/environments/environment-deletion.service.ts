import { Injectable } from '@nestjs/common';
import { ViceError } from '#libs/errors';
import { Database, EnvironmentEntity, rowsOf, type Transaction } from '../database/index.js';
import { ImageChanges } from '../images/image-changes.service.js';
import { JobsService } from '../jobs/jobs.service.js';
import { forgetDeletedEnvironment } from '../jobs/endings/environment.ending.js';
import { EnvironmentsService, notFound } from './environments.service.js';

/** Deletes environments, and what depended on them. */
@Injectable()
export class EnvironmentDeletionService {
  constructor(
    private readonly database: Database,
    private readonly environments: EnvironmentsService,
    private readonly jobs: JobsService,
    private readonly images: ImageChanges,
  ) {}

  /**
   * Raises ENVIRONMENT_IN_USE while deployments stand in it. Imports from it are cancelled; its row, with the credentials that
   * disposing of their temporaries takes, is hidden from now on and goes when the last of these jobs has ended.
   */
  async delete(userId: string, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const environment = await this.environments.locked(tx, userId, id, 'pessimistic_write');
      if (!environment) throw notFound(id);
      await refuseWhileInUse(tx, environment.id);
      await tx.manager.update(EnvironmentEntity, { id: environment.id }, { deletedAt: () => 'now()' });
      const images = await leaveImagesWithoutOrigin(tx, environment.id);
      await this.jobs.cancelImportsOfEnvironment(tx, environment.id);
      await this.images.changed(tx, images);
      await forgetDeletedEnvironment(tx, environment.id);
    });
  }
}

async function refuseWhileInUse(tx: Transaction, id: string): Promise<void> {
  const [row] = (await tx.manager.query('SELECT count(*)::int AS deployments FROM deployments WHERE environment_id = $1', [
    id,
  ])) as { deployments: number }[];
  const deployments = row?.deployments ?? 0;
  if (deployments === 0) return;
  const are = deployments === 1 ? 'deployment stands' : 'deployments stand';
  throw new ViceError('ENVIRONMENT_IN_USE', `${deployments} ${are} in environment ${id}: delete these first`);
}

/** An image whose import is cut off takes a new generation, so that nothing of it is heard any more, and is what it was before. Gives the ids. */
async function leaveImagesWithoutOrigin(tx: Transaction, environmentId: string): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    tx.manager,
    `WITH cut_off AS (
       SELECT i.id FROM images i JOIN jobs j ON j.image_id = i.id AND j.generation = i.generation
        WHERE j.environment_id = $1 AND j.action = 'import' AND j.state IN ('queued', 'running') AND i.status = 'importing')
     UPDATE images i SET
       origin_environment_id = NULL,
       generation = generation + (i.id IN (SELECT id FROM cut_off))::int,
       status = CASE WHEN i.id NOT IN (SELECT id FROM cut_off) THEN status WHEN digest IS NULL THEN 'empty' ELSE 'ready' END,
       updated_at = now()
     WHERE origin_environment_id = $1
     RETURNING i.id`,
    [environmentId],
  );
  return rows.map(({ id }) => id);
}
