import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * What is derived from an original, and how: kept by the digest of the original and all recipes since. The release before goes on to write rows
 * without the new columns, so each may be null.
 */
export class Conversions1764000000006 implements MigrationInterface {
  name = 'Conversions1764000000006';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      -- source_content_type is what the original was taken for; derived_from the digest of what the last conversion read. Of an original all
      -- of these are null but content_digest, which is '' for what is no disk, and null where a release before did not look for it.
      ALTER TABLE variants
        ADD COLUMN content_digest      text,
        ADD COLUMN derived_from        text,
        ADD COLUMN source_content_type text,
        ADD COLUMN tool                text,
        ADD COLUMN arguments           jsonb,
        ADD COLUMN facts               jsonb,
        ADD COLUMN last_used_at        timestamptz(3) NOT NULL DEFAULT now();
      CREATE INDEX variants_by_content_digest ON variants (content_digest) WHERE recipe = 'original' AND content_digest <> '';
      ALTER TABLE inspections ADD COLUMN content_digest text;

      -- What is exported, once it is there; null in a row of the release before, which exports the digest itself. No reference: when the
      -- deployment stands, the variant may go.
      ALTER TABLE deployments
        ADD COLUMN variant_digest       text,
        ADD COLUMN variant_size         bigint,
        ADD COLUMN variant_content_type text,
        ADD COLUMN plan                 jsonb;

      CREATE INDEX jobs_of_conversion ON jobs ((details->>'original'), (details->>'chain'), created_at DESC) WHERE action = 'convert';

      CREATE TABLE store_workers (
        worker   text PRIMARY KEY,
        toolsets text[] NOT NULL,
        missing  text[] NOT NULL,
        seen_at  timestamptz(3) NOT NULL DEFAULT now()
      );
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      DROP TABLE store_workers;
      DROP INDEX jobs_of_conversion;
      ALTER TABLE deployments DROP COLUMN variant_digest, DROP COLUMN variant_size, DROP COLUMN variant_content_type, DROP COLUMN plan;
      DELETE FROM variants WHERE recipe <> 'original';
      ALTER TABLE inspections DROP COLUMN content_digest;
      DROP INDEX variants_by_content_digest;
      ALTER TABLE variants DROP COLUMN content_digest, DROP COLUMN derived_from, DROP COLUMN source_content_type, DROP COLUMN tool,
        DROP COLUMN arguments, DROP COLUMN facts, DROP COLUMN last_used_at;
    `);
  }
}
