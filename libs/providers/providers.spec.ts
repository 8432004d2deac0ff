import { describe, expect, it } from '@jest/globals';
import { environmentSecret, SOFTWARE, type SealedEnvironment } from '#libs/contracts';
import { Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { openAccess, Providers, type EnvironmentAccess } from './index.js';

const providers = new Providers({ unixSockets: [], egressDeny: [] }, new Metrics('test'));
const access = (software: string | null): EnvironmentAccess => ({
  id: 'e',
  software,
  location: 'http://127.0.0.1:1',
  username: 'ada',
  password: 'a password',
  specifics: {},
});
const never = new AbortController().signal;

describe('providers', () => {
  it('finds one by its software, however it is written', async () => {
    await using session = await providers.connect(access(' Docker '), never);
    expect(session).toBeDefined();
  });

  it.each([
    ['vsphere', /"vsphere".*docker/],
    [null, /no managementlayer.software.*docker/],
  ])('names what there is none for: %s', async (software, message) => {
    await expect(providers.connect(access(software), never)).rejects.toMatchObject({
      code: 'NO_PROVIDER',
      message: expect.stringMatching(message),
    });
  });

  it('are those that the contract says accept something', async () => {
    for (const [software, { accepts }] of Object.entries(SOFTWARE)) {
      const connecting = providers.connect(access(software), never);
      if (accepts.length > 0) await expect(connecting).resolves.toBeDefined();
      else await expect(connecting).rejects.toMatchObject({ code: 'NO_PROVIDER' });
    }
  });
});

describe('access to an environment', () => {
  const box = SecretBox.fromKey(SecretBox.newKey());
  const sealed: SealedEnvironment = {
    id: 'e1',
    software: 'docker',
    location: 'tcp://x',
    username: 'me',
    password: box.seal('hush', environmentSecret('e1', 'password')),
    specifics: { ca: 'public' },
    secrets: { Key: box.seal('private', environmentSecret('e1', 'Key')) },
  };

  it('opens every secret', () => {
    expect(openAccess(sealed, box)).toEqual({
      id: 'e1',
      software: 'docker',
      location: 'tcp://x',
      username: 'me',
      password: 'hush',
      specifics: { ca: 'public', Key: 'private' },
    });
  });

  it('does not open what was sealed for another environment', () => {
    expect(() => openAccess({ ...sealed, id: 'e2' }, box)).toThrow(/does not open/);
  });
});
