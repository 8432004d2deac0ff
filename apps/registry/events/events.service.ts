import { Inject, Injectable } from '@nestjs/common';
import { type AnswerOf, type Change, type EventCalls, type RequestOf, type StoredEvent } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { BROKER, type Broker } from '#libs/messaging';
import { ADVISORY_LOCKS, Database, type Transaction } from '../database/index.js';

const PRUNE_AT_ONCE = 10_000;

interface Recorded {
  userId: string;
  change: Change;
}

/** What users are told of at GET /events: kept for a day, in the order of each user's changes. */
@Injectable()
export class EventsService {
  private readonly pending = new WeakMap<Transaction, Recorded[]>();

  constructor(
    private readonly database: Database,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** Keeps a change with the transaction that makes it, as its last statements, and tells the gateways once it is committed. */
  record(tx: Transaction, userId: string, change: Change): void {
    const recorded = this.pending.get(tx);
    if (recorded) {
      recorded.push({ userId, change });
      return;
    }
    const first = [{ userId, change }];
    this.pending.set(tx, first);
    tx.beforeCommit(() => this.store(tx, first));
    tx.afterCommit(() => this.tell(first));
  }

  async since({
    userId,
    after,
    limit,
  }: RequestOf<typeof EventCalls.eventsSince>): Promise<AnswerOf<typeof EventCalls.eventsSince>> {
    if (after === null) return { events: [], last: await this.lastOf(userId) };
    if (!/^\d{1,18}$/.test(after)) throw new ViceError('INVALID_QUERY', `there is no event "${after}": its id is a whole number`);
    const events = await this.database.query<StoredEvent>(
      `SELECT id, change->>'type' AS type, change->'data' AS data, to_json(at AT TIME ZONE 'UTC')#>>'{}' || 'Z' AS at
         FROM events WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
      [userId, after, limit],
    );
    return { events, last: events.at(-1)?.id ?? after };
  }

  /** Forgets events older than a day, so many at once that it takes no long time; gives how many. For the registry's upkeep. */
  async prune(): Promise<number> {
    const gone = await this.database.query(
      `WITH gone AS (
         DELETE FROM events WHERE id = ANY (ARRAY(
           SELECT id FROM events WHERE at < now() - interval '1 day' ORDER BY at LIMIT ${PRUNE_AT_ONCE})) RETURNING 1)
       SELECT FROM gone`,
    );
    return gone.length;
  }

  private async lastOf(userId: string): Promise<string> {
    const [row] = await this.database.query<{ id: string }>('SELECT id FROM events WHERE user_id = $1 ORDER BY id DESC LIMIT 1', [
      userId,
    ]);
    return row?.id ?? '0';
  }

  /**
   * The lock is held until the commit: so the ids of one user grow in the order of the commits, and whoever has read up to one of them
   * has missed none below it. Users are locked in one order, so that two transactions never wait for each other.
   */
  private async store(tx: Transaction, recorded: readonly Recorded[]): Promise<void> {
    this.pending.delete(tx); // what is recorded from now on, before the commit, is stored after this
    await tx.manager.query(
      `WITH list AS (SELECT entry->>'userId' AS user_id, entry->'change' AS change, place
                       FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS list (entry, place)),
            locked AS MATERIALIZED (SELECT pg_advisory_xact_lock($1, hashtext(user_id))
                                      FROM (SELECT DISTINCT user_id FROM list ORDER BY user_id) AS users)
       INSERT INTO events (user_id, change)
       SELECT user_id::uuid, change FROM list, (SELECT count(*) FROM locked) AS all_locked ORDER BY place`,
      [ADVISORY_LOCKS.eventOrder, JSON.stringify(recorded)],
    );
  }

  private async tell(recorded: readonly Recorded[]): Promise<void> {
    for (const userId of new Set(recorded.map((each) => each.userId))) await this.broker.broadcast({ userId, kind: 'stored' });
  }
}
