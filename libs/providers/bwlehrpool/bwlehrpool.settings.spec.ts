import { describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { settingsOf } from './bwlehrpool.settings.js';

const MASTER = 'bwlp-masterserver.ruf.uni-freiburg.de';
const settings = (location: string | null, specifics: JsonObject = {}, login: object = { username: 'ada', password: 'hush' }) =>
  settingsOf({ id: 'e', software: 'bwlehrpool', location, username: null, password: null, specifics, ...login });

describe('settings of a satellite', () => {
  it.each([
    ['pool.example.org', {}, { host: 'pool.example.org', port: 9091, tls: true }, { host: MASTER, port: 9091, tls: true }],
    ['10.0.0.1:99', {}, { host: '10.0.0.1', port: 99, tls: true }, { host: MASTER, port: 9091, tls: true }],
    ['[::1]:99', { Master: 'm' }, { host: '::1', port: 99, tls: true }, { host: 'm', port: 9091, tls: true }],
    ['pool', { insecure: true }, { host: 'pool', port: 9090, tls: false }, { host: MASTER, port: 9091, tls: true }],
    ['pool', { insecure: 'true', master: 'm:1' }, { host: 'pool', port: 9090, tls: false }, { host: 'm', port: 1, tls: false }],
    [
      'pool:9091',
      { insecure: true, master: 'm' },
      { host: 'pool', port: 9091, tls: true },
      { host: 'm', port: 9090, tls: false },
    ],
    ['pool', { insecure: false }, { host: 'pool', port: 9091, tls: true }, { host: MASTER, port: 9091, tls: true }],
  ])('%s with %j', (location, specifics, satellite, master) => {
    expect(settings(location, specifics)).toMatchObject({ satellite, master });
  });

  it('take a fingerprint as tools write it', () => {
    const digits = 'ab'.repeat(32);
    expect(settings('pool', { certSha256: digits.toUpperCase().replace(/(..)/g, '$1:').slice(0, -1) }).certSha256).toBe(digits);
  });

  it('prefer an access code to a password', () => {
    expect(settings('pool', { ACCESSCODE: 'c' }).login).toEqual({ accessCode: 'c' });
    expect(settings('pool').login).toEqual({ username: 'ada', password: 'hush' });
  });

  it.each([
    [null, {}, {}, /no credentials.location/],
    ['', {}, {}, /no credentials.location/],
    ['https://pool', {}, {}, /without a scheme/],
    ['pool:99999', {}, {}, /no port/],
    ['pool/path', {}, {}, /host or host:port/],
    ['me@pool', {}, {}, /host or host:port/],
    ['[nonsense]', {}, {}, /host or host:port/],
    ['pool', { master: 'http://m' }, {}, /credentials.specifics.master/],
    ['pool', { insecure: 'yes' }, {}, /insecure must be true or false/],
    ['pool', { certSha256: 'abcd' }, {}, /64 hexadecimal/],
    ['pool', { cacert: '/etc/ssl/ca.pem' }, {}, /PEM/],
    ['pool', { permissions: 'all' }, {}, /permissions must be an object/],
    ['pool', { permissions: { read: true } }, {}, /no right "read"/],
    ['pool', { permissions: { link: 'yes' } }, {}, /link must be true or false/],
    ['pool', { permissions: { users: { x: true } } }, {}, /permissions.users must be an object/],
    ['pool', {}, { username: 'ada', password: null }, /accessCode/],
  ])('%s with %j are refused', (location, specifics, login, message) => {
    const parse = () => settings(location, specifics as JsonObject, { username: 'ada', password: 'hush', ...login });
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_MISCONFIGURED' }));
  });

  it('give rights to nobody unless they say so', () => {
    const none = { link: false, download: false, edit: false, admin: false };
    expect(settings('pool').permissions).toEqual({ everybody: none, users: new Map() });
    expect(settings('pool', { permissions: { download: true, users: { u: { admin: true } } } }).permissions).toEqual({
      everybody: { ...none, download: true },
      users: new Map([['u', { ...none, admin: true }]]),
    });
  });
});
