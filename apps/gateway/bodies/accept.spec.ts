import { describe, expect, it } from '@jest/globals';
import { bestOf } from './accept.js';

const OFFERED = ['application/json', 'application/xml', 'text/xml'];

describe('bestOf', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/xml', 'application/xml'],
    ['text/xml', 'text/xml'],
    ['text/*', 'text/xml'],
    ['application/*', 'application/json'],
    ['APPLICATION/XML', 'application/xml'],
    ['application/xml;q=0.5, application/json;q=0.4', 'application/xml'],
    ['application/xml, application/json', 'application/json'],
    ['application/json;q=0, */*', 'application/xml'],
    ['application/json;q=0.1, */*;q=0.5', 'application/xml'],
    ['text/html, application/xml;q=0.9, */*;q=0.8', 'application/xml'],
    ['application/json; charset=utf-8', 'application/json'],
    ['application/json; charset=utf-8; q = 0.2, text/xml; q=0.3', 'text/xml'],
    ['image/png', undefined],
    ['application/json;q=0', undefined],
    ['application/json;q=2', undefined],
    ['nonsense', undefined],
  ])('%s wants %s', (accept, wanted) => expect(bestOf(accept, OFFERED)).toBe(wanted));
});
