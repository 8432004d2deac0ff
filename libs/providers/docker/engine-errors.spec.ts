import { describe, expect, it } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { EngineAnswer, engineError } from './engine-errors.js';

const where = 'tcp://engine:2375';
const systemError = (code: string | number) => Object.assign(new Error(`it went wrong: ${code}`), { code });

describe('errors of an engine', () => {
  it.each([
    ['ECONNREFUSED', 'ENVIRONMENT_UNREACHABLE', /nothing listens/],
    ['ENOTFOUND', 'ENVIRONMENT_UNREACHABLE', /name of the host/],
    ['ECONNRESET', 'ENVIRONMENT_UNREACHABLE', /broke off/],
    ['ETIMEDOUT', 'ENVIRONMENT_UNREACHABLE', /in time/],
    ['EACCES', 'ENVIRONMENT_MISCONFIGURED', /not permitted/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ENVIRONMENT_MISCONFIGURED', /not trusted/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'CREDENTIALS_REFUSED', /client certificate/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'CREDENTIALS_REFUSED', /client certificate/],
    ['HPE_INVALID_CONSTANT', 'ENVIRONMENT_MISCONFIGURED', /no Docker Engine/],
    ['E_NEW_TO_US', 'ENVIRONMENT_UNREACHABLE', /could not list the images: it went wrong/],
    [23, 'ENVIRONMENT_UNREACHABLE', /could not list the images/],
  ])('of the system: %s', (code, expected, message) => {
    const error = engineError(systemError(code), where, 'list the images');
    expect(error).toMatchObject({ code: expected, message: expect.stringMatching(message) });
  });

  it.each([
    [400, 'bad parameter', 'ENVIRONMENT_REFUSED'],
    [400, 'Client sent an HTTP request to an HTTPS server.', 'ENVIRONMENT_MISCONFIGURED'],
    [401, 'who are you', 'CREDENTIALS_REFUSED'],
    [403, 'authorization denied by plugin', 'CREDENTIALS_REFUSED'],
    [404, 'no such image', 'REMOTE_IMAGE_NOT_FOUND'],
    [409, 'conflict', 'ENVIRONMENT_REFUSED'],
    [429, 'slow down', 'ENVIRONMENT_BUSY'],
    [500, 'write /x: no space left on device', 'ENVIRONMENT_FAILED'],
    [503, 'starting', 'ENVIRONMENT_BUSY'],
    [307, 'Temporary Redirect', 'ENVIRONMENT_MISCONFIGURED'],
  ])('by its status %d %s', (status, message, expected) => {
    expect(engineError(new EngineAnswer(status, message), where, 'load the image').code).toBe(expected);
  });

  it('are passed on where they are in our words already, and heed what the engine asks for', () => {
    const error = new ViceError('LOCATION_DENIED', 'no');
    expect(engineError(error, where, 'x')).toBe(error);
    expect(engineError(new EngineAnswer(429, 'slow down', { retryAfter: 7 }), where, 'x').retryAfter).toBe(7);
  });
});
