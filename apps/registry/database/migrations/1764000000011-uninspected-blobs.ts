import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Finds the bytes that were taken in and could not be inspected: they are kept, so that their job can be run again. */
export class UninspectedBlobs1764000000011 implements MigrationInterface {
  name = 'UninspectedBlobs1764000000011';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE INDEX jobs_not_inspected ON jobs (digest)
       WHERE action = 'inspect' AND state = 'failed' AND NOT starts_with(error_code, 'CONTENT_')`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX jobs_not_inspected');
  }
}
