import { Injectable } from '@nestjs/common';
import { TOOLSETS, TOOLSETS_STAND_SECONDS, type Toolset, type WorkerToolsets } from '#libs/contracts';
import { Database, type Transaction } from '../database/index.js';

/** SQL: whether a worker was heard of lately. */
const IS_LIVE = `seen_at > now() - interval '${TOOLSETS_STAND_SECONDS} seconds'`;

/** What store workers can convert with, as they say themselves, for all registries. */
@Injectable()
export class ToolsetsService {
  constructor(private readonly database: Database) {}

  async seen({ worker, toolsets, missing }: WorkerToolsets): Promise<void> {
    await this.database.transaction(({ manager }) =>
      manager.query(
        `INSERT INTO store_workers (worker, toolsets, missing) VALUES ($1, $2, $3)
         ON CONFLICT (worker) DO UPDATE SET toolsets = excluded.toolsets, missing = excluded.missing, seen_at = now()`,
        [worker, toolsets, missing],
      ),
    );
  }

  async withdrawn(worker: string): Promise<void> {
    await this.database.transaction(({ manager }) => manager.query('DELETE FROM store_workers WHERE worker = $1', [worker]));
  }

  /** Where all is one process, no worker runs when it starts. */
  async forgetAll(): Promise<void> {
    await this.database.query('DELETE FROM store_workers');
  }

  /** Whether a worker said that it lacks a toolset, and whether another has it. */
  async beyond(
    { manager }: Transaction,
    worker: string | null,
    toolset: Toolset,
  ): Promise<{ lacks: boolean; elsewhere: boolean }> {
    const [row] = (await manager.query(
      `SELECT coalesce(bool_or(worker = $1 AND NOT toolsets @> ARRAY[$2]), false) AS lacks,
              coalesce(bool_or(worker IS DISTINCT FROM $1 AND toolsets @> ARRAY[$2]), false) AS elsewhere
         FROM store_workers WHERE ${IS_LIVE}`,
      [worker, toolset],
    )) as { lacks: boolean; elsewhere: boolean }[];
    return row!;
  }

  /** Those that some worker has. Where there is no worker at all, every one: the job waits until there is. */
  async available({ manager }: Transaction): Promise<{ toolsets: ReadonlySet<Toolset>; missing: string[] }> {
    const workers = (await manager.query(`SELECT toolsets, missing FROM store_workers WHERE ${IS_LIVE} ORDER BY worker`)) as {
      toolsets: Toolset[];
      missing: string[];
    }[];
    if (workers.length === 0) return { toolsets: new Set(TOOLSETS), missing: [] };
    return {
      toolsets: new Set(workers.flatMap(({ toolsets }) => toolsets)),
      missing: [...new Set(workers.flatMap(({ missing }) => missing))],
    };
  }

  async prune(): Promise<void> {
    await this.database.query(`DELETE FROM store_workers WHERE seen_at < now() - interval '1 day'`);
  }
}
