import { randomUUID } from 'node:crypto';
import { BlobCalls, type Ask, type Digest } from '#libs/contracts';
import { createLogger } from '#libs/observability';
import { createTestDatabase } from '#libs/testing';
import { Database, openDatabase } from '../../database/index.js';
import { BlobLedgerService } from '../blob-ledger.service.js';
import { BlobsController } from '../blobs.controller.js';

/** The ledger on a database of its own, and rows for it to judge by. */
export class LedgerPlace implements AsyncDisposable {
  private constructor(
    readonly database: Database,
    readonly ledger: BlobLedgerService,
    /** As it is at each condemnation. */
    readonly config: { variantQuotaBytes: number | null },
    /** As a store asks it, without a broker between. */
    readonly ask: Ask,
    private readonly userId: string,
    private readonly drop: () => Promise<void>,
  ) {}

  static async open(): Promise<LedgerPlace> {
    const { url, drop } = await createTestDatabase();
    const source = await openDatabase(url);
    const database = new Database(source, createLogger('test', 'silent'));
    const config: { variantQuotaBytes: number | null } = { variantQuotaBytes: null };
    const ledger = new BlobLedgerService(database, config);
    const controller = new BlobsController(ledger);
    const handlers = new Map(Object.entries(BlobCalls).map(([method, call]) => [call.name, method as keyof typeof BlobCalls]));
    const ask: Ask = async (call, request) => {
      const method = handlers.get(call.name);
      if (!method) throw new Error(`${call.name} is no call of the ledger`);
      return (await controller[method](structuredClone(request) as never)) as never;
    };
    const userId = randomUUID();
    await database.query(`INSERT INTO users (id, username, password_hash) VALUES ($1, 'ada', '')`, [userId]);
    return new LedgerPlace(database, ledger, config, ask, userId, async () => {
      await source.destroy();
      await drop();
    });
  }

  async blob(digest: Digest, state = 'stored'): Promise<void> {
    await this.database.query(`INSERT INTO blobs (digest, size, state) VALUES ($1, 1, $2)`, [digest, state]);
  }

  async stateOf(digest: Digest): Promise<string | undefined> {
    return (await this.database.query<{ state: string }>('SELECT state FROM blobs WHERE digest = $1', [digest]))[0]?.state;
  }

  async image(digest: Digest | null): Promise<string> {
    const id = randomUUID();
    await this.database.query('INSERT INTO images (id, user_id, digest) VALUES ($1, $2, $3)', [id, this.userId, digest]);
    return id;
  }

  async deleteImage(id: string): Promise<void> {
    await this.database.query('DELETE FROM images WHERE id = $1', [id]);
  }

  async job(state: string, digest: Digest | null = null): Promise<string> {
    const id = randomUUID();
    await this.database.query(
      `INSERT INTO jobs (id, kind, queue, action, state, digest) VALUES ($1, 'store', 'store', 'inspect', $2, $3)`,
      [id, state, digest],
    );
    return id;
  }

  async endJob(id: string): Promise<void> {
    await this.database.query(`UPDATE jobs SET state = 'succeeded' WHERE id = $1`, [id]);
  }

  async deployment(digest: Digest): Promise<void> {
    const environment = randomUUID();
    await this.database.query('INSERT INTO environments (id, user_id) VALUES ($1, $2)', [environment, this.userId]);
    await this.database.query(
      `INSERT INTO deployments (id, user_id, image_id, environment_id, digest, size, content_type, status)
       VALUES ($1, $2, $1, $3, $4, 1, 'docker-image', 'deployed')`,
      [randomUUID(), this.userId, environment, digest],
    );
  }

  async variant(source: Digest, digest: Digest, recipe: string = digest): Promise<void> {
    await this.database.query(
      `INSERT INTO variants (source_digest, content_type, recipe, digest, size) VALUES ($1, 'disk-raw', $2, $3, 1)`,
      [source, recipe, digest],
    );
  }

  /** As if the holds of this holder had not been renewed for an hour. */
  async expire(holder: string): Promise<void> {
    const past = `now() - interval '1 hour'`;
    await this.database.query(`UPDATE blob_pins SET expires_at = ${past} WHERE holder = $1`, [holder]);
    await this.database.query(`UPDATE space_reservations SET expires_at = ${past} WHERE writer = $1`, [holder]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }
}
