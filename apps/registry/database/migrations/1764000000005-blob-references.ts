import { type MigrationInterface, type QueryRunner } from 'typeorm';

const TABLES = ['images', 'deployments', 'jobs', 'variants'];

/**
 * Nothing can come to refer to a blob that garbage collection is deleting, however it learnt the digest: the reference locks the blob's row
 * against condemnation, waits for one that is under way, and is refused after it. A blob that something referred to once is `stored`.
 */
export class BlobReferences1764000000005 implements MigrationInterface {
  name = 'BlobReferences1764000000005';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE FUNCTION refer_to_blob() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.digest IS NULL OR (TG_OP = 'UPDATE' AND NEW.digest IS NOT DISTINCT FROM OLD.digest) THEN
            RETURN NEW;
          END IF;
          UPDATE blobs SET state = 'stored' WHERE digest = NEW.digest AND state = 'reserved';
          IF NOT FOUND THEN
            PERFORM FROM blobs WHERE digest = NEW.digest AND state = 'stored' FOR KEY SHARE;
            IF NOT FOUND THEN
              RAISE EXCEPTION 'the blob % is gone, or going', NEW.digest USING ERRCODE = 'foreign_key_violation';
            END IF;
          END IF;
          RETURN NEW;
        END
      $$;
    `);
    for (const table of TABLES)
      await db.query(`
        CREATE TRIGGER ${table}_refer_to_blob BEFORE INSERT OR UPDATE OF digest ON ${table}
          FOR EACH ROW EXECUTE FUNCTION refer_to_blob();
      `);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of TABLES) await db.query(`DROP TRIGGER ${table}_refer_to_blob ON ${table}`);
    await db.query('DROP FUNCTION refer_to_blob()');
  }
}
