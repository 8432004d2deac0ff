import { Client as Database } from 'pg';
import { Client } from '../vice/client.js';

export const IMAGES = 100_000;
const DIGEST = `sha256:${'0'.repeat(64)}`;

/** Half of the images are the reader's own, half are public ones of another user. All have content and half have an origin. */
const INSERT = `
  INSERT INTO images (id, user_id, title, description, tags, visibility, imagetype, contenttype, specifics, origin_environment_id,
                      environment_reference, status, digest, size, created_at, updated_at)
  SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN $1::uuid ELSE $2::uuid END, 'image ' || n, 'an image of the bench, number ' || n,
         ARRAY['bench', 'tag-' || n % 100], CASE WHEN n % 2 = 0 THEN 'private' ELSE 'public' END, 'vm', 'disk-qcow2',
         jsonb_build_object('cores', n % 8), CASE WHEN n % 4 < 2 THEN $3::uuid END, 'image-' || n, 'ready', $4::text, 1048576,
         at, at
  FROM generate_series(1, ${IMAGES}) AS n, LATERAL (SELECT now() - n * interval '1 minute' AS at) AS moment`;

/** Fills the catalogue by SQL. Answers the user who reads, and ids of images that this user may see. */
export async function fillCatalogue(url: string, databaseUrl: string): Promise<{ reader: Client; ids: string[] }> {
  const reader = await Client.register(url);
  const other = await Client.register(url);
  const { id: environment } = await other.ask<{ id: string }>('POST', '/environments', 201, {
    title: 'an engine',
    managementlayer: { software: 'docker' },
    credentials: { location: 'tcp://127.0.0.1:9' },
  });
  const database = new Database({ connectionString: databaseUrl });
  await database.connect();
  try {
    await database.query(`INSERT INTO blobs (digest, size, state) VALUES ($1, 1048576, 'stored')`, [DIGEST]);
    await database.query(INSERT, [await idOf(reader), await idOf(other), environment, DIGEST]);
    await database.query('VACUUM ANALYZE');
    const { rows } = await database.query<{ id: string }>('SELECT id FROM images ORDER BY id LIMIT 200');
    return { reader, ids: rows.map(({ id }) => id) };
  } finally {
    await database.end();
  }
}

const idOf = async (client: Client): Promise<string> => (await client.ask<{ id: string }>('GET', '/user', 200)).id;
