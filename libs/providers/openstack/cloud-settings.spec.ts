import { describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { readSettings } from './cloud-settings.js';

const read = (
  specifics: JsonObject = {},
  rest: { location?: string | null; username?: string | null; password?: string | null } = {},
) =>
  readSettings({
    id: 'e',
    software: 'openstack',
    location: 'https://cloud.example.org:5000/v3',
    username: 'ada',
    password: 'pw',
    specifics,
    ...rest,
  });

describe('what an OpenStack environment says', () => {
  it('is a password login in the domain Default where nothing else is said', () => {
    expect(read({ tenant: 'physics' })).toEqual({
      location: new URL('https://cloud.example.org:5000/v3'),
      login: {
        kind: 'password',
        username: 'ada',
        password: 'pw',
        userDomain: { name: 'Default' },
        project: { name: 'physics' },
        projectDomain: { name: 'Default' },
      },
      region: null,
      interface: 'public',
      cacert: null,
      insecure: false,
    });
  });

  it.each<[string, JsonObject]>([
    ['the words of the design', { project: 'physics', region: 'R1', userDomain: 'U', projectDomain: 'P', interface: 'internal' }],
    [
      'the words of older clients',
      { TenantName: 'physics', Region: 'R1', UserDomain: 'U', ProjectDomain: 'P', Interface: 'internalURL' },
    ],
    [
      'the words of an openrc file',
      {
        OS_PROJECT_NAME: 'physics',
        OS_REGION_NAME: 'R1',
        OS_USER_DOMAIN_NAME: 'U',
        OS_PROJECT_DOMAIN_NAME: 'P',
        OS_INTERFACE: 'internal',
      },
    ],
  ])('is understood in %s', (_, specifics) => {
    expect(read(specifics)).toMatchObject({
      login: { project: { name: 'physics' }, userDomain: { name: 'U' }, projectDomain: { name: 'P' } },
      region: 'R1',
      interface: 'internal',
    });
  });

  it('has one domain for user and project, each of which can be said apart', () => {
    expect(read({ Domain: 'uni', projectDomain: 'default' }).login).toMatchObject({
      userDomain: { name: 'uni' },
      projectDomain: { id: 'default' },
    });
  });

  it('names a project by its id, too', () => {
    const id = '0123456789abcdef0123456789abcdef';
    expect(read({ projectId: id }).login).toMatchObject({ project: { id } });
  });

  it('takes an application credential before a password', () => {
    const specifics = { applicationCredentialId: 'a1', applicationCredentialSecret: 's' };
    expect(read(specifics, { username: null, password: null }).login).toEqual({
      kind: 'application-credential',
      id: 'a1',
      secret: 's',
    });
  });

  it('switches the verification of certificates off only when that is said', () => {
    expect([true, 'true', 'True', false, 'false', null].map((insecure) => read({ insecure }).insecure)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no location', () => read({}, { location: null }), /no credentials\.location/],
    ['a location that is no URL', () => read({}, { location: 'cloud' }), /no URL/],
    ['a location of another kind', () => read({}, { location: 'ftp://cloud/v3' }), /ftp:/],
    ['a password in the location', () => read({}, { location: 'https://ada:pw@cloud/v3' }), /no user and password/],
    ['no user', () => read({}, { username: null }), /credentials\.username/],
    ['no password', () => read({}, { password: '' }), /credentials\.password/],
    ['half an application credential', () => read({ applicationCredentialId: 'a' }), /applicationCredentialSecret/],
    ['an unknown interface', () => read({ interface: 'secret' }), /public, internal or admin/],
    ['a certificate by file name', () => read({ cacert: '/etc/ca.pem' }), /PEM/],
    ['a flag that is none', () => read({ insecure: 'perhaps' }), /true or false/],
    ['a region that is no text', () => read({ region: 7 }), /region must be text/],
  ])('is refused with %s', (_, faulty, message) => {
    expect(faulty).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_MISCONFIGURED', message: expect.stringMatching(message) }),
    );
  });
});
