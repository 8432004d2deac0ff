import { type Transaction } from '../../database/index.js';

/** An environment that its user deleted goes when the last job that needs its credentials has ended. */
export async function forgetDeletedEnvironment(tx: Transaction, environmentId: string): Promise<void> {
  await tx.manager.query(
    `DELETE FROM environments WHERE id = $1 AND deleted_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM jobs WHERE environment_id = $1 AND state IN ('queued', 'running'))
       AND NOT EXISTS (SELECT 1 FROM deployments WHERE environment_id = $1)`,
    [environmentId],
  );
}
