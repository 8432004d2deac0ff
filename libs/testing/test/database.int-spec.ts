import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { createTestDatabase, describeWith, postgres } from '../index.js';

await describeWith([postgres()], 'a test database', () => {
  test('is empty and of its own, and goes although somebody is connected', async () => {
    const database = await createTestDatabase();
    const client = new Client({ connectionString: database.url });
    const ended = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await client.query('CREATE TABLE t (id int)');
    await database.drop();
    await ended;
    await expect(new Client({ connectionString: database.url }).connect()).rejects.toThrow('does not exist');
  });
});
