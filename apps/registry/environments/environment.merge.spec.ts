import { describe, expect, test } from '@jest/globals';
import { type EnvironmentDraft } from '#libs/contracts';
import { merged, NO_CONTENT, type EnvironmentContent } from './environment.merge.js';

const before: EnvironmentContent = {
  title: 'engine',
  managementlayer: { type: 'basic', software: 'docker', version: '26.1' },
  runtimetechnology: null,
  location: 'tcp://a:2376',
  username: 'ada',
  password: 'sealed-password',
  specifics: { ca: 'CA', cert: 'CERT' },
  secrets: { key: 'sealed-key', sshKey: 'sealed-ssh-key' },
};

describe('an environment merged with a draft', () => {
  const table: [string, Omit<EnvironmentDraft, 'id'>, Partial<EnvironmentContent>][] = [
    ['absent stays', {}, {}],
    ['null clears', { title: null, managementlayer: null }, { title: null, managementlayer: null }],
    ['a value replaces', { title: 'other' }, { title: 'other' }],
    [
      'a nested object merges by the same rule',
      { managementlayer: { version: '27.0', type: null } },
      { managementlayer: { type: null, software: 'docker', version: '27.0' } },
    ],
    [
      'a nested object that was not there begins empty',
      { runtimetechnology: { software: 'runc' } },
      { runtimetechnology: { type: null, software: 'runc', version: null } },
    ],
    ['credentials merge too', { credentials: { location: 'tcp://b:2376' } }, { location: 'tcp://b:2376' }],
    ['a password is cleared alone', { credentials: { password: null } }, { password: null }],
    [
      'credentials that are cleared take all secrets along',
      { credentials: null },
      { location: null, username: null, password: null, specifics: {}, secrets: {} },
    ],
    [
      'specifics are replaced as a whole, and absent secrets stay',
      { credentials: { specifics: { ca: 'NEW' } } },
      { specifics: { ca: 'NEW' } },
    ],
    ['specifics that are cleared take their secrets along', { credentials: { specifics: null } }, { specifics: {}, secrets: {} }],
    [
      'a secret is replaced without regard to case, and takes the new spelling',
      { credentials: { secrets: { KEY: 'new' } } },
      { secrets: { KEY: 'new', sshKey: 'sealed-ssh-key' } },
    ],
    [
      'a secret that is null is cleared, without regard to case',
      { credentials: { secrets: { SSHKEY: null } } },
      { secrets: { key: 'sealed-key' } },
    ],
    [
      'a secret is added',
      { credentials: { secrets: { token: 'new' } } },
      { secrets: { key: 'sealed-key', sshKey: 'sealed-ssh-key', token: 'new' } },
    ],
  ];
  test.each(table)('%s', (_, draft, changed) => {
    expect(merged(before, { id: 'x', ...draft })).toEqual({ ...before, ...changed });
  });

  test('a new one begins with nothing', () => {
    expect(merged(NO_CONTENT, { id: 'x', title: 'new' })).toEqual({ ...NO_CONTENT, title: 'new' });
  });
});
