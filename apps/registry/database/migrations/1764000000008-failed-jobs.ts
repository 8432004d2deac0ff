import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What failed can be seen: by its owner and by administrators, with what the broker gave up on. */
export class FailedJobs1764000000008 implements MigrationInterface {
  name = 'FailedJobs1764000000008';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE users ADD COLUMN administrator boolean NOT NULL DEFAULT false;

      ALTER TABLE jobs
        ADD COLUMN dead_letters       int NOT NULL DEFAULT 0,
        ADD COLUMN dead_lettered_at   timestamptz(3),
        ADD COLUMN dead_letter_reason text;
      CREATE INDEX jobs_of_user ON jobs (user_id, created_at DESC, id DESC);
      CREATE INDEX jobs_by_age ON jobs (created_at DESC, id DESC);
      CREATE INDEX jobs_failed ON jobs (created_at DESC, id DESC) WHERE state = 'failed';
      CREATE INDEX jobs_dead_lettered ON jobs (created_at DESC, id DESC) WHERE dead_letters > 0;

      -- job_id is that of a job only where body is null: a message may have come from anywhere. The broker may hand over the same letter again:
      -- it is the same where it has the same message_id and was dead-lettered as often.
      CREATE TABLE dead_letters (
        id         uuid PRIMARY KEY,
        queue      text NOT NULL,
        job_id     uuid,
        attempt    int,
        body       text,
        reason     text,
        count      int,
        message_id text,
        at         timestamptz(3) NOT NULL DEFAULT now()
      );
      CREATE INDEX dead_letters_by_age ON dead_letters (at DESC, id DESC);
      CREATE INDEX dead_letters_of_job ON dead_letters (job_id);
      CREATE UNIQUE INDEX dead_letters_once ON dead_letters (message_id, (coalesce(count, 0)));
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      DROP TABLE dead_letters;
      DROP INDEX jobs_of_user, jobs_by_age, jobs_failed, jobs_dead_lettered;
      ALTER TABLE jobs DROP COLUMN dead_letters, DROP COLUMN dead_lettered_at, DROP COLUMN dead_letter_reason;
      ALTER TABLE users DROP COLUMN administrator;
    `);
  }
}
