import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What a job was caused by: the request's id and the trace's `traceparent`. The release before writes rows without, so each may be null. */
export class Trails1764000000007 implements MigrationInterface {
  name = 'Trails1764000000007';

  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE jobs ADD COLUMN request_id text, ADD COLUMN trace_parent text');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE jobs DROP COLUMN request_id, DROP COLUMN trace_parent');
  }
}
