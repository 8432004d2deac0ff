import { describe, expect, it } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { ApplicationException, ProtocolFault, RemoteException } from '../thrift/message.js';
import { type ExceptionKind } from '../thrift/method.js';
import { CallDropped } from '../thrift/thrift.connection.js';
import { callError, isExpiredLogin } from './call-errors.js';
import { connectionError } from './connection-errors.js';

const NAME = 'the satellite at pool:9091';
const raised = (kind: ExceptionKind, number?: number, said = '') => new RemoteException(kind, number, said);
const systemError = (code: string) => Object.assign(new Error(`it went wrong: ${code}`), { code });

describe('what a server raises', () => {
  it.each([
    ['authorization', 0, 'ENVIRONMENT_FAILED', /could not check the login/],
    ['authorization', 1, 'CREDENTIALS_REFUSED', /not valid any more/],
    ['authorization', 2, 'ENVIRONMENT_REFUSED', /no permission/],
    ['authorization', 3, 'CREDENTIALS_REFUSED', /account is suspended/],
    ['authorization', 4, 'CREDENTIALS_REFUSED', /organisation is suspended/],
    ['authorization', 5, 'CREDENTIALS_REFUSED', /password or the access code is wrong/],
    ['authorization', 6, 'CREDENTIALS_REFUSED', /organisation is not known/],
    ['authorization', 7, 'CREDENTIALS_REFUSED', /key/],
    ['authorization', 8, 'CREDENTIALS_REFUSED', /not valid any more/],
    ['authorization', 9, 'CREDENTIALS_REFUSED', /challenge/],
    ['authorization', 10, 'ENVIRONMENT_REFUSED', /network of this registry/],
    ['authorization', undefined, 'ENVIRONMENT_FAILED', /check the login/],
    ['invocation', 0, 'ENVIRONMENT_REFUSED', /missing/],
    ['invocation', 1, 'ENVIRONMENT_REFUSED', /does not accept what was sent/],
    ['invocation', 2, 'REMOTE_IMAGE_NOT_FOUND', /no such image/],
    ['invocation', 3, 'ENVIRONMENT_REFUSED', /user ids in credentials.specifics.permissions/],
    ['invocation', 4, 'ENVIRONMENT_REFUSED', /lecture/],
    ['invocation', 5, 'ENVIRONMENT_REFUSED', /shared/],
    ['invocation', 6, 'ENVIRONMENT_FAILED', /error of its own/],
    ['invocation', undefined, 'ENVIRONMENT_FAILED', /without saying why/],
    ['invocation', 99, 'ENVIRONMENT_FAILED', /without saying why/],
    ['not-found', undefined, 'REMOTE_IMAGE_NOT_FOUND', /no such image/],
    ['invalid-token', undefined, 'ENVIRONMENT_FAILED', /does not know the transfer/],
    ['transfer-rejected', undefined, 'ENVIRONMENT_FAILED', /takes no transfer/],
  ] as const)('%s %s is %s', (kind, number, code, message) => {
    const error = callError(raised(kind, number), NAME, 'list the images');
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).toContain('could not list the images');
  });

  it.each([
    ['transfer-rejected', 'Server busy. Please try again later.', 'ENVIRONMENT_BUSY', true],
    ['invocation', 'Image is currently in use', 'ENVIRONMENT_BUSY', true],
    ['authorization', 'Image is currently in use', 'ENVIRONMENT_BUSY', true],
    ['transfer-rejected', 'File corrupted on server', 'ENVIRONMENT_REFUSED', false],
  ] as const)('%s in words: %s', (kind, said, code, transient) => {
    const error = callError(raised(kind, undefined, said), NAME, 'x');
    expect(error).toMatchObject({ code, transient, message: expect.stringContaining(said) });
    if (transient) expect(error.retryAfter).toBe(60);
  });

  it.each([
    ['authorization', 5, 'Too many failed login attempts', 'CREDENTIALS_REFUSED'],
    ['authorization', 2, 'Server busy', 'ENVIRONMENT_REFUSED'],
    ['invocation', 1, 'Too many tags', 'ENVIRONMENT_REFUSED'],
  ] as const)('%s %s is what its number says, also in the words of transfers: %s', (kind, number, said, code) => {
    expect(callError(raised(kind, number, said), NAME, 'x')).toMatchObject({ code, message: expect.stringContaining(said) });
  });

  it('keeps what the server says', () => {
    expect(callError(raised('authorization', 5, 'Wrong password'), NAME, 'log in').message).toContain('"Wrong password"');
  });

  it('tells whether a new login can help', () => {
    for (const number of [1, 8]) expect(isExpiredLogin(raised('authorization', number))).toBe(true);
    for (const number of [0, 2, 5]) expect(isExpiredLogin(raised('authorization', number))).toBe(false);
    expect(isExpiredLogin(raised('invalid-token'))).toBe(false);
  });
});

describe('what goes wrong around a call', () => {
  it.each([
    [new ApplicationException(1, "Invalid method name: 'x'"), 'ENVIRONMENT_MISCONFIGURED', /no bwLehrpool server/],
    [new ApplicationException(6, ''), 'ENVIRONMENT_FAILED', /could not handle/],
    [new CallDropped('the connection was closed'), 'ENVIRONMENT_UNREACHABLE', /broke off/],
    [new ProtocolFault('a frame of 1213486160 bytes'), 'ENVIRONMENT_MISCONFIGURED', /does not speak/],
  ])('%s', (error, code, message) => {
    expect(callError(error, NAME, 'x')).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is passed on where it is in our words already', () => {
    const error = new ViceError('LOCATION_DENIED', 'no');
    expect(callError(error, NAME, 'x')).toBe(error);
    expect(connectionError(error, NAME)).toBe(error);
  });

  it.each([
    ['ECONNREFUSED', 'ENVIRONMENT_UNREACHABLE', /nothing listens/],
    ['ENOTFOUND', 'ENVIRONMENT_UNREACHABLE', /name of the host/],
    ['ETIMEDOUT', 'ENVIRONMENT_UNREACHABLE', /in time/],
    ['ECONNRESET', 'ENVIRONMENT_UNREACHABLE', /broke off/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ENVIRONMENT_MISCONFIGURED', /cacert/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'ENVIRONMENT_MISCONFIGURED', /another host/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'ENVIRONMENT_MISCONFIGURED', /does not speak TLS/],
    ['E_NEW_TO_US', 'ENVIRONMENT_UNREACHABLE', /it went wrong/],
  ])('of the system: %s', (code, expected, message) => {
    expect(connectionError(systemError(code), NAME)).toMatchObject({ code: expected, message: expect.stringMatching(message) });
  });
});
