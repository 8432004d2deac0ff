import { Injectable } from '@nestjs/common';
import { TOOLSETS, TOOLSETS_STAND_SECONDS, type Toolset, type WorkerToolsets } from '#libs/contracts';
import { Database, type Transaction } from '../database/index.js';

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

  /** Those that some worker has. Where there is no worker at all, every one: the job waits until there is. */
  async available({ manager }: Transaction): Promise<{ toolsets: ReadonlySet<Toolset>; missing: string[] }> {
    const workers = (await manager.query(
      `SELECT toolsets, missing FROM store_workers WHERE seen_at > now() - interval '${TOOLSETS_STAND_SECONDS} seconds' ORDER BY worker`,
    )) as { toolsets: Toolset[]; missing: string[] }[];
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
