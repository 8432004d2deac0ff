import { describe, expect, it } from '@jest/globals';
import { cloudError, CloudRefusal, reasonIn, retryAfterOf } from './cloud-errors.js';

describe('what a cloud’s refusal means', () => {
  it.each<[status: number, retryAfter: number | undefined, code: string, transient: boolean]>([
    [400, undefined, 'ENVIRONMENT_REFUSED', false],
    [401, undefined, 'CREDENTIALS_REFUSED', false],
    [403, undefined, 'ENVIRONMENT_REFUSED', false],
    [404, undefined, 'REMOTE_IMAGE_NOT_FOUND', false],
    [409, undefined, 'ENVIRONMENT_BUSY', true],
    [413, undefined, 'ENVIRONMENT_REFUSED', false],
    [413, 5, 'ENVIRONMENT_BUSY', true],
    [429, 7, 'ENVIRONMENT_BUSY', true],
    [500, undefined, 'ENVIRONMENT_FAILED', true],
    [503, undefined, 'ENVIRONMENT_BUSY', true],
  ])('%s (to wait %s s) is %s', (status, retryAfter, code, transient) => {
    const error = cloudError(new CloudRefusal('the image service', status, 'because', retryAfter), 'send the image');
    expect(error).toMatchObject({ code, transient, retryAfter });
    expect(error.message).toBe(`could not send the image: the image service says "because" (${status})`);
  });
});

describe('the reason in an answer', () => {
  it.each([
    [
      '{"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}}',
      /requires auth/,
    ],
    ['{"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}', /^Instance x could not be found\.$/],
    ['{"NeutronError": {"type": "N", "message": "no net", "detail": ""}}', /^no net$/],
    [
      '<html>\n <head>\n  <title>413 Request Entity Too Large</title>\n </head>\n <body>\n  <h1>413 Too Large</h1>\n  Quota &quot;all&quot; &lt;exceeded&gt;<br /><br />\n\n </body>\n</html>',
      /^413 Too Large Quota "all" <exceeded>$/,
    ],
    ['{}', /^HTTP status 418$/],
    ['<h1>Name can&#x27;t contain &#34;it&#34;</h1>', /^Name can't contain "it"$/],
    ['Bad gateway\n', /^Bad gateway$/],
    ['', /^HTTP status 418$/],
  ])('%s', (body, reason) => {
    expect(reasonIn(body, 418)).toMatch(reason);
  });

  it('is cut to a sentence that can be shown', () => {
    expect(reasonIn('x'.repeat(10_000), 500)).toHaveLength(300);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['17', 17],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s seconds', (header, seconds) => {
    expect(retryAfterOf(header, now)).toBe(seconds);
  });
});
