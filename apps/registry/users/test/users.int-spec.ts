import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loginSecret, UserCalls } from '#libs/contracts';
import { createLogger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { createTestDatabase, describeWith, postgres } from '#libs/testing';
import { Database, openDatabase } from '../../database/index.js';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';
import { SecretKeyService } from '../secret-key.service.js';

await describeWith([postgres()], 'users', () => {
  let vice: RunningRegistry;
  beforeAll(async () => {
    vice = await runRegistry();
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  const login = (username: string, password: string) => ({
    username,
    password: vice.box.seal(password, loginSecret(username)),
  });
  const create = (username: string, password = 'secret') =>
    vice.ask(UserCalls.createUser, { ...login(username, password), email: 'ada@example.org', fullname: 'Ada Lovelace' });
  const authenticate = (username: string, password: string) => vice.ask(UserCalls.authenticate, login(username, password));

  test('are created, and answered without a password', async () => {
    const user = await create('ada');
    expect(user).toEqual({
      ...{ id: expect.any(String), username: 'ada', email: 'ada@example.org', fullname: 'Ada Lovelace' },
      administrator: false,
    });
    expect(await vice.ask(UserCalls.getUser, { userId: user.id })).toEqual(user);
  });

  test('have their password kept as argon2id', async () => {
    await create('bob', 'very secret');
    const [row] = await vice.sql(`SELECT * FROM users WHERE username = 'bob'`);
    expect(row).toMatchObject({ password_hash: expect.stringMatching(/^\$argon2id\$/) });
    expect(JSON.stringify(row)).not.toContain('very secret');
  });

  test('are refused under a name that is taken, whatever its Unicode form', async () => {
    await create('j\u00fcrgen');
    await expect(create('j\u00fcrgen')).rejects.toMatchObject({ code: 'USERNAME_TAKEN' });
    await expect(create('ju\u0308rgen')).rejects.toMatchObject({
      code: 'USERNAME_TAKEN',
      fields: [{ field: 'username', message: expect.any(String) }],
    });
  });

  test('differ by the case of their name', async () => {
    const [lower, upper] = [await create('carol'), await create('Carol')];
    expect(lower.id).not.toBe(upper.id);
  });

  test('get one name once, also when two ask for it at once', async () => {
    const answers = await Promise.allSettled([create('dave'), create('dave'), create('dave')]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'USERNAME_TAKEN' });
  });

  test('log in with their password, whatever the Unicode form of name and password', async () => {
    const user = await create('erik\u00e9', 'p\u00e4ss');
    expect(await authenticate('erik\u00e9', 'p\u00e4ss')).toEqual(user);
    expect(await authenticate('erike\u0301', 'pa\u0308ss')).toEqual(user);
  });

  test('are told the same for a wrong password and for an unknown name', async () => {
    await create('frank');
    const wrong = await authenticate('frank', 'wrong').catch((error: unknown) => error);
    const unknown = await authenticate('nobody', 'wrong').catch((error: unknown) => error);
    const impossible = await authenticate('nob\0dy', 'wrong').catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(unknown).toEqual(wrong);
    expect(impossible).toEqual(wrong);
  });

  test('are not let in by a password that was sealed for another name', async () => {
    await create('grace');
    const sealedForAnother = vice.box.seal('secret', loginSecret('heidi'));
    await expect(vice.ask(UserCalls.authenticate, { username: 'grace', password: sealedForAnother })).rejects.toThrow();
  });

  test.each(['00000000-0000-4000-8000-000000000000', 'x'])('are not found by the id %s of nobody', async (userId) => {
    await expect(vice.ask(UserCalls.getUser, { userId })).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
  });

  test('are served only by services with the same key', async () => {
    expect(await vice.ask(UserCalls.checkKey, { keyId: vice.box.keyId })).toEqual({});
    await expect(vice.ask(UserCalls.checkKey, { keyId: 'another' })).rejects.toMatchObject({ code: 'CONFIGURATION' });
  });

  describe('the key of a database', () => {
    test('is the one that a registry started with first; another is refused', async () => {
      await using empty = await createTestDatabase();
      const source = await openDatabase(empty.url, 2);
      const database = new Database(source, createLogger('registry', 'silent'));
      const [first, other] = [SecretBox.fromKey(SecretBox.newKey()), SecretBox.fromKey(SecretBox.newKey())];
      try {
        await new SecretKeyService(database, first).onModuleInit();
        await new SecretKeyService(database, first).onModuleInit();
        await expect(new SecretKeyService(database, other).onModuleInit()).rejects.toMatchObject({ code: 'CONFIGURATION' });
      } finally {
        await source.destroy();
      }
    });
  });
});
