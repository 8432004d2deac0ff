import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export interface TestDatabase extends AsyncDisposable {
  /** `postgres://…/vice_test_…` */
  url: string;
  /** Also ends the connections that are still open. */
  drop(): Promise<void>;
}

/** The server on which tests make their databases: `TEST_DATABASE_URL`, or the one at the standard local address. */
export function postgresUrl(): string {
  return process.env['TEST_DATABASE_URL'] ?? 'postgres://root@127.0.0.1:5432/postgres';
}

/** A new, empty database with a name of its own. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `vice_test_${randomBytes(6).toString('hex')}`;
  await queryOnce(postgresUrl(), `CREATE DATABASE ${name}`);
  const url = new URL(postgresUrl());
  url.pathname = `/${name}`;
  const drop = async () => void (await queryOnce(postgresUrl(), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return { url: url.href, drop, [Symbol.asyncDispose]: drop };
}

/** Runs one statement on a connection of its own, and returns the rows. */
export async function queryOnce(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
