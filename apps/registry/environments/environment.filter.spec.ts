import { expect, test } from '@jest/globals';
import { passes } from './environment.filter.js';

const engine = {
  managementlayer: { type: 'basic', software: 'Docker', version: null },
  runtimetechnology: { type: 'container', software: 'runc', version: null },
} as const;
const nothing = { managementlayer: null, runtimetechnology: null };

test.each([
  ['no filter lets all through', nothing, {}, true],
  ['nor does an empty one ask for anything', nothing, { managementlayer: '' }, true],
  ['the software, whatever its case', engine, { managementlayer: 'docker' }, true],
  ['the type, whatever its case', engine, { managementlayer: 'BASIC' }, true],
  ['no part of a name', engine, { managementlayer: 'dock' }, false],
  ['not what the other filter asks for', engine, { managementlayer: 'runc' }, false],
  ['both must fit', engine, { managementlayer: 'docker', runtimetechnology: 'container' }, true],
  ['one is not enough', engine, { managementlayer: 'docker', runtimetechnology: 'virtualmachine' }, false],
  ['what says nothing fits no filter', nothing, { runtimetechnology: 'container' }, false],
])('%s', (_, environment, filters, fits) => {
  expect(passes(environment, filters)).toBe(fits);
});
