import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What a list of images can be sorted by, never null. An image without a title or without content counts as the least. */
const SORT_KEYS = {
  created: 'created_at',
  updated: 'updated_at',
  title: `(lower(coalesce(title, '')))`,
  size: '(coalesce(size, -1))',
};

/**
 * Makes lists of images quick. One's own private images and everyone's public ones are two sets that never overlap: each has an index
 * in every sort order, and a list is the merge of two walks.
 */
export class ImageLists1764000000001 implements MigrationInterface {
  name = 'ImageLists1764000000001';

  async up(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX images_of_user; DROP INDEX images_public');
    for (const [name, key] of Object.entries(SORT_KEYS))
      await db.query(`
        CREATE INDEX images_private_by_${name} ON images (user_id, ${key}, id) WHERE visibility = 'private';
        CREATE INDEX images_public_by_${name} ON images (${key}, id) WHERE visibility = 'public';
      `);
    // For what is rare among all images; what is not is found soon by walking the list.
    await db.query(`
      CREATE INDEX images_by_contenttype ON images (contenttype);
      CREATE INDEX images_by_imagetype ON images (imagetype);
    `);
    // Punctuation parts words: PostgreSQL's parser would keep my-image_v2.qcow2 or registry.example.org as one.
    await db.query(`
      ALTER TABLE images DROP COLUMN words;
      DROP FUNCTION image_words(text, text, text[]);
      CREATE FUNCTION words_of(content text) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN to_tsvector('simple'::regconfig, translate(coalesce(content, ''), $$!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~$$, repeat(' ', 32)));
      CREATE FUNCTION image_words(title text, description text, tags text[]) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN setweight(words_of(title), 'A') || setweight(words_of(array_to_string(tags, ' ')), 'B') || setweight(words_of(description), 'C');
      ALTER TABLE images ADD COLUMN words tsvector GENERATED ALWAYS AS (image_words(title, description, tags)) STORED;
      CREATE INDEX images_by_words ON images USING gin (words);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE images DROP COLUMN words;
      DROP FUNCTION image_words(text, text, text[]);
      DROP FUNCTION words_of(text);
      CREATE FUNCTION image_words(title text, description text, tags text[]) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN setweight(to_tsvector('simple'::regconfig, coalesce(title, '')), 'A')
            || setweight(to_tsvector('simple'::regconfig, coalesce(array_to_string(tags, ' '), '')), 'B')
            || setweight(to_tsvector('simple'::regconfig, coalesce(description, '')), 'C');
      ALTER TABLE images ADD COLUMN words tsvector GENERATED ALWAYS AS (image_words(title, description, tags)) STORED;
      CREATE INDEX images_by_words ON images USING gin (words);
    `);
    await db.query('DROP INDEX images_by_contenttype; DROP INDEX images_by_imagetype');
    for (const name of Object.keys(SORT_KEYS))
      await db.query(`DROP INDEX images_private_by_${name}; DROP INDEX images_public_by_${name}`);
    await db.query(`
      CREATE INDEX images_of_user ON images (user_id, created_at DESC, id DESC);
      CREATE INDEX images_public ON images (created_at DESC, id DESC) WHERE visibility = 'public';
    `);
  }
}
