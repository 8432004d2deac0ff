import { describe, expect, test } from '@jest/globals';
import { PasswordsService } from './passwords.service.js';

describe('passwords', () => {
  const passwords = new PasswordsService();

  test('are kept as argon2id, salted', async () => {
    const [one, two] = await Promise.all([passwords.hash('secret'), passwords.hash('secret')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/);
    expect(one).not.toBe(two);
  });

  test('are verified whatever the Unicode form they were typed in', async () => {
    const stored = await passwords.hash('u\u0308ber');
    expect(await passwords.verify(stored, '\u00fcber')).toBe(true);
    expect(await passwords.verify(stored, 'uber')).toBe(false);
    expect(await passwords.verify(stored, '')).toBe(false);
  });

  test('of nobody are never right, and cost the same work', async () => {
    const stored = await passwords.hash('secret');
    const timeOf = async (hash: string | null) => {
      const start = performance.now();
      for (let i = 0; i < 5; i++) expect(await passwords.verify(hash, 'wrong')).toBe(false);
      return performance.now() - start;
    };
    await timeOf(null);
    const ratio = (await timeOf(null)) / (await timeOf(stored));
    expect(ratio).toBeGreaterThan(0.2);
    expect(ratio).toBeLessThan(5);
  });

  test('of a flood are refused beyond a bound, and the others are answered', async () => {
    const stored = await passwords.hash('secret');
    const answers = await Promise.allSettled(Array.from({ length: 130 }, () => passwords.verify(stored, 'wrong')));
    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(31);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
    expect(await passwords.verify(stored, 'secret')).toBe(true);
  }, 30_000);
});
