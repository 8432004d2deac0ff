import { setTimeout as pause } from 'node:timers/promises';
import { ViceError } from '#libs/errors';
import { currentDeadline } from '#libs/messaging';
import { type Logger } from '#libs/observability';
import { type Pool } from 'pg';
import { type DataSource, type EntityManager } from 'typeorm';

type Hook = () => void | Promise<void>;

/** One transaction, and what belongs to its end. */
export class Transaction {
  private readonly last: Hook[] = [];
  private readonly after: Hook[] = [];

  constructor(readonly manager: EntityManager) {}

  /** Runs as the last statements inside the transaction, in the order of asking. */
  beforeCommit(hook: Hook): void {
    this.last.push(hook);
  }

  /** Runs once the transaction is committed; whoever began it does not wait for it. */
  afterCommit(hook: Hook): void {
    this.after.push(hook);
  }

  async finish(): Promise<void> {
    for (const hook of this.last) await hook();
  }

  get afterwards(): readonly Hook[] {
    return this.after;
  }
}

const DEADLOCK = '40P01';
const MAX_TRIES = 5;
/** Between tries, at most: so that those who met once don't meet again. */
const PAUSE_MS = 50;

export class Database {
  constructor(
    readonly source: DataSource,
    private readonly logger: Logger,
  ) {}

  /**
   * READ COMMITTED. Rolls back when `work` throws, and when the deadline of the call that asked for it has passed. `work` may run more
   * than once: where two transactions waited for each other, PostgreSQL ends one of them, and that one begins again.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.once(work);
      } catch (error) {
        if (tries === MAX_TRIES || (error as { code?: string }).code !== DEADLOCK) throw error;
      }
      await pause(Math.random() * PAUSE_MS);
      refuseWhenLate();
    }
  }

  private async once<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let hooks: readonly Hook[] = [];
    const result = await this.source.transaction(async (manager) => {
      const tx = new Transaction(manager);
      const value = await work(tx);
      await tx.finish();
      refuseWhenLate();
      hooks = tx.afterwards;
      return value;
    });
    for (const hook of hooks) void this.afterwards(hook);
    return result;
  }

  /** What fails here is made up for by the relay and by those who poll: the transaction stands. */
  private async afterwards(hook: Hook): Promise<void> {
    try {
      await hook();
    } catch (error) {
      this.logger.warn({ err: error }, 'something that follows a transaction failed');
    }
  }

  /**
   * One statement of its own; answers the rows, also of a RETURNING. They are as the driver gives them: bigint as text. It asks for no
   * deadline: what must not be changed too late is changed in a transaction.
   */
  async query<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    // Past TypeORM, which would take longer over it than PostgreSQL. Its pool is pg's.
    const { master } = this.source.driver as unknown as { master: Pool };
    return (await master.query(sql, parameters)).rows as Row[];
  }

  /** Rejects where it does not answer, or takes no changes: a standby does not. */
  async check(): Promise<void> {
    const [answer] = await this.query<{ read_only: string }>(`SELECT current_setting('transaction_read_only') AS read_only`);
    if (answer?.read_only === 'on') throw new Error('the database takes no changes: it is read-only, or a standby');
  }
}

/** The rows of an UPDATE or DELETE with RETURNING inside a transaction: for these TypeORM gives the rows and their number. */
export async function rowsOf<Row>(manager: EntityManager, sql: string, parameters: unknown[] = []): Promise<Row[]> {
  const [rows] = (await manager.query(sql, parameters)) as [Row[], number];
  return rows;
}

function refuseWhenLate(): void {
  const deadline = currentDeadline();
  if (deadline !== undefined && Date.now() > deadline)
    throw new ViceError('UNAVAILABLE', 'the answer came too late, so nothing was done: try again');
}
