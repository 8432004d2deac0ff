import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith, postgres } from '#libs/testing';
import { PreparingClient } from '../preparing-client.js';

await describeWith([postgres()], 'a connection that prepares', (connectionString) => {
  const client = new PreparingClient({ connectionString });
  const prepared = async () => {
    const { rows } = await client.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements');
    return rows.map(({ statement }) => statement);
  };

  beforeAll(() => client.connect());
  afterAll(() => client.end());

  test('keeps what is asked often, and nothing else, and answers the same', async () => {
    const often = 'SELECT $1::int + 1 AS sum';
    for (let i = 0; i < 5; i++) {
      expect((await client.query(often, [i])).rows).toEqual([{ sum: i + 1 }]);
      await client.query(`SELECT $1::int + ${i} AS sum`, [1]);
      await client.query('SELECT 1');
    }
    expect(await prepared()).toEqual([often]);
  });

  test('is of use again after a statement that failed', async () => {
    const fails = 'SELECT 1 / $1::int AS part';
    for (let i = 0; i < 4; i++) await expect(client.query(fails, [0])).rejects.toThrow('division by zero');
    expect((await client.query(fails, [1])).rows).toEqual([{ part: 1 }]);
  });
});
