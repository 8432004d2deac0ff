import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** When the running or last attempt began; `started_at` is when the first one did. Of attempts that began before this it is not known. */
export class ClaimedAt1764000000010 implements MigrationInterface {
  name = 'ClaimedAt1764000000010';

  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE jobs ADD COLUMN claimed_at timestamptz(3)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE jobs DROP COLUMN claimed_at');
  }
}
