import { describe, expect, it } from '@jest/globals';
import { environmentSecret, EnvironmentInput, ImageInput, instanceOf } from '#libs/contracts';
import { SecretBox } from '#libs/secrets';
import { imageDraft } from '../images/image-draft.js';
import { environmentDraft } from './environment-draft.js';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const box = SecretBox.fromKey(SecretBox.newKey());
const draftOf = (body: object) => environmentDraft(instanceOf(EnvironmentInput, body), ID, box);
const opened = (sealed: string | null | undefined, key: string) => box.open(sealed ?? '', environmentSecret(ID, key));

describe('environmentDraft', () => {
  it('keeps absent, null and present apart', () => {
    expect(draftOf({})).toEqual({ id: ID });
    expect(draftOf({ title: null, credentials: null, userid: 'x', unknown: 1 })).toEqual({
      id: ID,
      title: null,
      credentials: null,
    });
    expect(draftOf({ credentials: { password: null, specifics: null } })).toEqual({
      id: ID,
      credentials: { password: null, specifics: null },
    });
  });

  it('seals the password and every secret of specifics, each bound to its place', () => {
    const specifics = { tenant: 't', KEY: '-----BEGIN', sshKey: null, api_Token: 'x', applicationCredentialSecret: { a: 1 } };
    const { credentials } = draftOf({ credentials: { location: 'tcp://x', username: 'u', password: 'p', specifics } });
    expect(credentials).toMatchObject({ location: 'tcp://x', username: 'u', specifics: { tenant: 't' } });
    expect(opened(credentials?.password, 'password')).toBe('p');
    expect(credentials?.secrets).toMatchObject({ sshKey: null });
    expect(opened(credentials?.secrets?.['KEY'], 'key')).toBe('-----BEGIN');
    expect(opened(credentials?.secrets?.['api_Token'], 'api_token')).toBe('x');
    expect(opened(credentials?.secrets?.['applicationCredentialSecret'], 'applicationCredentialSecret')).toBe('{"a":1}');
    expect(() => opened(credentials?.secrets?.['KEY'], 'sshkey')).toThrow();
  });

  it('seals a whole value that holds a secret deeper', () => {
    const { credentials } = draftOf({
      credentials: { specifics: { auth: { user: 'u', list: [{ password: 'p' }] }, open: { a: 1 } } },
    });
    expect(credentials?.specifics).toEqual({ open: { a: 1 } });
    expect(JSON.parse(opened(credentials?.secrets?.['auth'], 'auth'))).toEqual({ user: 'u', list: [{ password: 'p' }] });
    expect(credentials?.secrets?.['open']).toBeNull();
  });

  it.each([
    'https://u:p@host',
    'tcp://u:@host:1',
    'ssh://u:p@host',
    'http://a@b:p@host',
    'u:p@host:2375',
    '//u:p@host',
    'http:/\\u:p@host',
    'https://u%3Ap@host',
  ])('refuses a password in the location: %s', (location) => {
    expect(() => draftOf({ credentials: { location } })).toThrow(
      expect.objectContaining({ fields: [expect.objectContaining({ field: 'credentials.location' })] }),
    );
  });

  it.each(['ssh://u@host:22', 'tcp://host:2376', 'unix:///var/run/a:b@c.sock', 'u@host', 'http://[::1]:1/a:b@c'])(
    'takes %s',
    (location) => {
      expect(draftOf({ credentials: { location } }).credentials).toEqual({ location });
    },
  );
});

describe('imageDraft', () => {
  const imageOf = (body: object) => imageDraft(instanceOf(ImageInput, body), box);

  it('names an environment that has an id, and describes one that has none', () => {
    expect(imageOf({ originEnvironment: { id: 'any text', title: 't' } })).toEqual({ originEnvironment: { known: 'any text' } });
    expect(imageOf({ originEnvironment: null })).toEqual({ originEnvironment: null });
    const draft = imageOf({ originEnvironment: { title: 't', credentials: { password: 'p' } } });
    expect(draft.originEnvironment).toMatchObject({ inline: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), title: 't' } });
    expect(JSON.stringify(draft)).not.toContain('"p"');
  });

  it('takes the fields of an image and nothing else', () => {
    expect(
      imageOf({ id: 'x', userid: 'y', imported: true, title: 't', tags: ['a', 'a'], specifics: '{"a":1}', unknown: 1 }),
    ).toEqual({
      title: 't',
      tags: ['a'],
      specifics: { a: 1 },
    });
  });

  it('refuses an id that is no text', () => {
    expect(() => imageOf({ originEnvironment: { id: 7 } })).toThrow(
      expect.objectContaining({ fields: [{ field: 'originEnvironment.id', message: 'must be text' }] }),
    );
  });
});
