import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The first tables. Times are PostgreSQL's; every id is a UUID. */
export class Foundation1764000000000 implements MigrationInterface {
  name = 'Foundation1764000000000';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE settings (
        name  text PRIMARY KEY,
        value text NOT NULL
      );

      CREATE TABLE users (
        id            uuid PRIMARY KEY,
        username      text NOT NULL UNIQUE,
        password_hash text NOT NULL,
        email         text,
        fullname      text,
        created_at    timestamptz(3) NOT NULL DEFAULT now()
      );

      CREATE TABLE environments (
        id                uuid PRIMARY KEY,
        user_id           uuid NOT NULL REFERENCES users,
        title             text,
        managementlayer   jsonb,
        runtimetechnology jsonb,
        location          text,
        username          text,
        password          text,
        specifics         jsonb NOT NULL DEFAULT '{}',
        secrets           jsonb NOT NULL DEFAULT '{}',
        created_at        timestamptz(3) NOT NULL DEFAULT now(),
        updated_at        timestamptz(3) NOT NULL DEFAULT now(),
        deleted_at        timestamptz(3)
      );
      CREATE INDEX environments_of_user ON environments (user_id, created_at) WHERE deleted_at IS NULL;

      CREATE TABLE blobs (
        digest     text PRIMARY KEY CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
        size       bigint NOT NULL,
        state      text NOT NULL CHECK (state IN ('reserved', 'stored', 'deleting')),
        created_at timestamptz(3) NOT NULL DEFAULT now()
      );

      -- A pin of a job (job_id set) lasts as long as the job lives; any other until it expires.
      CREATE TABLE blob_pins (
        digest     text NOT NULL REFERENCES blobs ON DELETE CASCADE,
        holder     text NOT NULL,
        job_id     uuid,
        expires_at timestamptz(3),
        PRIMARY KEY (digest, holder),
        CHECK ((job_id IS NULL) <> (expires_at IS NULL))
      );
      CREATE INDEX blob_pins_of_holder ON blob_pins (holder);

      CREATE TABLE space_reservations (
        writer     text PRIMARY KEY,
        bytes      bigint NOT NULL,
        job_id     uuid,
        expires_at timestamptz(3),
        CHECK ((job_id IS NULL) <> (expires_at IS NULL))
      );

      -- What is known of bytes said to be of a content type ('' where nothing was said).
      CREATE TABLE inspections (
        digest        text NOT NULL REFERENCES blobs ON DELETE CASCADE,
        said_to_be    text NOT NULL,
        content_type  text,
        facts         jsonb NOT NULL DEFAULT '{}',
        error_code    text,
        error_message text,
        created_at    timestamptz(3) NOT NULL DEFAULT now(),
        PRIMARY KEY (digest, said_to_be),
        CHECK ((content_type IS NULL) <> (error_code IS NULL))
      );

      -- The original has the recipe 'original' and is its own source; the others are derived from it.
      CREATE TABLE variants (
        source_digest text NOT NULL REFERENCES blobs ON DELETE CASCADE,
        content_type  text NOT NULL,
        recipe        text NOT NULL DEFAULT 'original',
        digest        text NOT NULL REFERENCES blobs,
        size          bigint NOT NULL,
        created_at    timestamptz(3) NOT NULL DEFAULT now(),
        PRIMARY KEY (source_digest, content_type, recipe)
      );
      CREATE INDEX variants_by_digest ON variants (digest);

      CREATE FUNCTION image_words(title text, description text, tags text[]) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN setweight(to_tsvector('simple'::regconfig, coalesce(title, '')), 'A')
            || setweight(to_tsvector('simple'::regconfig, coalesce(array_to_string(tags, ' '), '')), 'B')
            || setweight(to_tsvector('simple'::regconfig, coalesce(description, '')), 'C');

      CREATE TABLE images (
        id                    uuid PRIMARY KEY,
        user_id               uuid NOT NULL REFERENCES users,
        title                 text,
        description           text,
        tags                  text[] NOT NULL DEFAULT '{}',
        visibility            text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public')),
        imagetype             text,
        contenttype           text,
        said_contenttype      text,
        specifics             jsonb NOT NULL DEFAULT '{}',
        origin_environment_id uuid REFERENCES environments ON DELETE SET NULL,
        environment_reference text,
        generation            int NOT NULL DEFAULT 0,
        status                text NOT NULL DEFAULT 'empty' CHECK (status IN ('empty', 'importing', 'ready', 'failed')),
        digest                text REFERENCES blobs,
        size                  bigint,
        words                 tsvector GENERATED ALWAYS AS (image_words(title, description, tags)) STORED,
        created_at            timestamptz(3) NOT NULL DEFAULT now(),
        updated_at            timestamptz(3) NOT NULL DEFAULT now()
      );
      CREATE INDEX images_of_user ON images (user_id, created_at DESC, id DESC);
      CREATE INDEX images_public ON images (created_at DESC, id DESC) WHERE visibility = 'public';
      CREATE INDEX images_by_words ON images USING gin (words);
      CREATE INDEX images_by_tag ON images USING gin (tags);
      CREATE INDEX images_by_digest ON images (digest);
      CREATE INDEX images_by_origin ON images (origin_environment_id);

      CREATE TABLE deployments (
        id              uuid PRIMARY KEY,
        user_id         uuid NOT NULL REFERENCES users,
        image_id        uuid NOT NULL,
        environment_id  uuid NOT NULL REFERENCES environments,
        title           text,
        specifics       jsonb NOT NULL DEFAULT '{}',
        image_specifics jsonb NOT NULL DEFAULT '{}',
        digest          text NOT NULL REFERENCES blobs,
        size            bigint NOT NULL,
        content_type    text NOT NULL,
        status          text NOT NULL,
        reference       text,
        receipt         jsonb,
        created_at      timestamptz(3) NOT NULL DEFAULT now(),
        updated_at      timestamptz(3) NOT NULL DEFAULT now()
      );
      CREATE INDEX deployments_of_user ON deployments (user_id, created_at DESC);
      CREATE INDEX deployments_in_environment ON deployments (environment_id);
      CREATE INDEX deployments_by_digest ON deployments (digest);

      CREATE TABLE jobs (
        id               uuid PRIMARY KEY,
        kind             text NOT NULL,
        queue            text NOT NULL,
        action           text NOT NULL,
        state            text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
        attempt          int NOT NULL DEFAULT 0,
        failures         int NOT NULL DEFAULT 0,
        user_id          uuid,
        image_id         uuid,
        generation       int,
        deployment_id    uuid,
        environment_id   uuid REFERENCES environments ON DELETE SET NULL,
        digest           text,
        details          jsonb NOT NULL DEFAULT '{}',
        error_code       text,
        error_message    text,
        log              text,
        bytes_done       bigint NOT NULL DEFAULT 0,
        bytes_total      bigint,
        bytes_per_second bigint NOT NULL DEFAULT 0,
        cancel_requested boolean NOT NULL DEFAULT false,
        left_temporaries boolean NOT NULL DEFAULT false,
        worker           text,
        due_at           timestamptz(3) NOT NULL DEFAULT now(),
        published        boolean NOT NULL DEFAULT false,
        publish_at       timestamptz(3) NOT NULL DEFAULT now(),
        lease_until      timestamptz(3),
        created_at       timestamptz(3) NOT NULL DEFAULT now(),
        started_at       timestamptz(3),
        ended_at         timestamptz(3)
      );
      CREATE INDEX jobs_to_publish ON jobs (published, publish_at) WHERE state = 'queued';
      CREATE INDEX jobs_in_hand ON jobs (lease_until) WHERE state = 'running';
      CREATE INDEX jobs_of_image ON jobs (image_id, created_at DESC);
      CREATE INDEX jobs_of_deployment ON jobs (deployment_id, created_at DESC);
      CREATE INDEX jobs_of_environment ON jobs (environment_id) WHERE state IN ('queued', 'running');
      CREATE INDEX jobs_by_digest ON jobs (digest) WHERE state IN ('queued', 'running');
      -- At most one live job per deployment, and one collection of garbage.
      CREATE UNIQUE INDEX one_live_job_per_deployment ON jobs (deployment_id) WHERE state IN ('queued', 'running');
      CREATE UNIQUE INDEX one_live_collection ON jobs (action) WHERE action = 'collect' AND state IN ('queued', 'running');

      CREATE TABLE events (
        id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id uuid NOT NULL,
        change  jsonb NOT NULL,
        at      timestamptz(3) NOT NULL DEFAULT now()
      );
      CREATE INDEX events_of_user ON events (user_id, id);
      CREATE INDEX events_by_age ON events (at);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      DROP TABLE events, jobs, deployments, images, variants, inspections, space_reservations, blob_pins, blobs, environments, users, settings;
      DROP FUNCTION image_words(text, text, text[]);
    `);
  }
}
