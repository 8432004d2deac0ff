import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { loginSecret, UserCalls, type User } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';

/** As it is typed on one keyboard, and on another. */
const [COMPOSED, DECOMPOSED] = ['j\u00fcrgen', 'ju\u0308rgen'];

await describeWith([postgres()], 'administrators', () => {
  let vice: RunningRegistry;
  let root: User;
  beforeAll(async () => {
    vice = await runRegistry({ variables: { VICE_ADMIN_USERNAME: DECOMPOSED } });
    root = await create(COMPOSED);
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  const login = (username: string) => ({ username, password: vice.box.seal('secret', loginSecret(username)) });
  const create = (username: string) => vice.ask(UserCalls.createUser, { ...login(username), email: null, fullname: null });
  const find = (userId = root.id) => vice.ask(UserCalls.findAdministrators, { userId });
  const name = (username: string, userId = root.id) => vice.ask(UserCalls.nameAdministrator, { userId, username });
  const withdraw = (username: string, userId = root.id) => vice.ask(UserCalls.withdrawAdministrator, { userId, username });
  const isOne = async ({ id }: User) => (await vice.ask(UserCalls.getUser, { userId: id })).administrator;

  it('are whom the setting names, from the moment of their creation, letter by letter', async () => {
    expect(root).toMatchObject({ username: COMPOSED, administrator: true });
    expect(await vice.ask(UserCalls.authenticate, login(COMPOSED))).toMatchObject({ administrator: true });
    expect(await create('J\u00fcrgen')).toMatchObject({ administrator: false });
    expect(await find()).toEqual([{ userid: root.id, username: COMPOSED, bySetting: true }]);
  });

  it('name others, who name others, and withdraw it again, at once', async () => {
    const [ada, bob] = [await create('ada'), await create('bob')];
    expect(await name('ada')).toEqual({ userid: ada.id, username: 'ada', bySetting: false });
    expect(await name('ada')).toMatchObject({ username: 'ada' });
    expect(await isOne(ada)).toBe(true);
    await name('bob', ada.id);
    expect((await find(bob.id)).map(({ username }) => username)).toEqual(['ada', 'bob', COMPOSED]);
    await withdraw('ada', bob.id);
    expect(await isOne(ada)).toBe(false);
    await expect(find(ada.id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await withdraw('bob', bob.id);
    expect(await find()).toHaveLength(1);
  });

  it('are nobody else’s to name, withdraw or list', async () => {
    const eve = await create('eve');
    const forbidden = { code: 'FORBIDDEN' };
    await expect(find(eve.id)).rejects.toMatchObject(forbidden);
    await expect(name('eve', eve.id)).rejects.toMatchObject(forbidden);
    for (const username of [COMPOSED, 'nobody']) await expect(withdraw(username, eve.id)).rejects.toMatchObject(forbidden);
    expect(await isOne(eve)).toBe(false);
  });

  it('are users that there are', async () => {
    await create('carol');
    const unknown = { code: 'USER_NOT_FOUND' };
    for (const username of ['nobody', 'no\0body']) await expect(name(username)).rejects.toMatchObject(unknown);
    for (const username of ['nobody', 'carol', 'no\0body']) await expect(withdraw(username)).rejects.toMatchObject(unknown);
  });

  it('cannot be withdrawn whom the setting names, in whatever form that is written', async () => {
    for (const username of [COMPOSED, DECOMPOSED])
      await expect(withdraw(username)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('VICE_ADMIN_USERNAME'),
      });
    expect(await isOne(root)).toBe(true);
  });

  it('are no longer whom the setting has named, where it does not any more; those whom they named stay', async () => {
    const dora = await create('dora');
    await name('dora');
    await vice.restart({});
    expect(await find(dora.id)).toEqual([{ userid: dora.id, username: 'dora', bySetting: false }]);
    await expect(find(root.id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
