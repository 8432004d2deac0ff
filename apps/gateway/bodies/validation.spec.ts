import { describe, expect, it } from '@jest/globals';
import { DeploymentInput, EnvironmentInput, ImageInput, NewUser } from '#libs/contracts';
import { ViceError, type FieldFault } from '#libs/errors';
import { validated } from './validation.js';

function faultsOf(type: new () => object, body: unknown): FieldFault[] {
  try {
    validated(type, body);
  } catch (error) {
    if (error instanceof ViceError && error.code === 'INVALID_INPUT') return error.fields ?? [];
    throw error;
  }
  return [];
}

const fault = (field: string, message: string) => [{ field, message: expect.stringContaining(message) }];
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

describe('validated', () => {
  it.each([null, [], 'text', 1, undefined])('refuses %j as a body', (body) => {
    expect(() => validated(ImageInput, body)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it.each([
    [ImageInput, {}],
    [ImageInput, { title: null, tags: null, specifics: null, originEnvironment: null, visibility: null }],
    [ImageInput, { id: 17, userid: {}, imported: 'x', size: [], unknown: { a: 1 } }],
    [ImageInput, { specifics: '{}' }],
    [ImageInput, { tags: [], specifics: { a: [1, null] }, originEnvironment: { id: 'x' } }],
    [EnvironmentInput, {}],
    [EnvironmentInput, { credentials: null, managementlayer: { type: null, software: 'anything' } }],
    [NewUser, { username: 'a', password: 'b', email: null }],
    [DeploymentInput, { imageid: 'a', environmentId: 'b' }],
  ])('takes for %o: %j', (type: new () => object, body) => expect(faultsOf(type, body)).toEqual([]));

  it('leaves out what its class does not have, whatever it is called', () => {
    const body = JSON.parse(
      '{"title":"t","__proto__":{"a":1},"constructor":1,"unknown":{"constructor":1},"originEnvironment":{"x":1}}',
    );
    expect({ ...validated(ImageInput, body) }).toEqual({ title: 't', originEnvironment: {} });
  });

  it('keeps every key of specifics, and an id, as they were sent', () => {
    const body = {
      id: { constructor: 1 },
      specifics: { constructor: null, then: 1, deep: [{ constructor: 1, toString: 'x', length: 3 }] },
    };
    expect({ ...validated(ImageInput, body) }).toEqual(body);
  });

  it.each([
    [ImageInput, { title: 1 }, 'title', 'must be text'],
    [ImageInput, { title: 'x'.repeat(256) }, 'title', 'at most 255'],
    [ImageInput, { title: 'a\u0000' }, 'title', 'control characters'],
    [ImageInput, { title: '\ud800' }, 'title', 'control characters'],
    [ImageInput, { description: ['x'] }, 'description', 'must be text'],
    [ImageInput, { description: 'x'.repeat(10_001) }, 'description', 'at most'],
    [ImageInput, { tags: 'a' }, 'tags', 'must be a list'],
    [ImageInput, { tags: [1] }, 'tags', 'must be text'],
    [ImageInput, { tags: [''] }, 'tags', 'may be empty'],
    [ImageInput, { tags: ['x'.repeat(65)] }, 'tags', 'at most 64'],
    [ImageInput, { tags: Array.from({ length: 51 }, (_, i) => `t${i}`) }, 'tags', 'at most 50'],
    [ImageInput, { visibility: 'secret' }, 'visibility', 'private, public'],
    [ImageInput, { imagetype: 'x' }, 'imagetype', 'implicit, declarative'],
    [ImageInput, { contenttype: 'iso' }, 'contenttype', 'disk-raw'],
    [ImageInput, { contenttype: {} }, 'contenttype', 'disk-raw'],
    [ImageInput, { environmentReference: 1 }, 'environmentReference', 'must be text'],
    [ImageInput, { specifics: [] }, 'specifics', 'JSON object'],
    [ImageInput, { specifics: 'x' }, 'specifics', 'JSON object'],
    [ImageInput, JSON.parse('{"specifics":{"a":{"__proto__":1}}}'), 'specifics', '__proto__'],
    [ImageInput, JSON.parse('{"specifics":{"a":1e999}}'), 'specifics', 'out of range'],
    [ImageInput, { title: { constructor: 1 } }, 'title', 'must be text'],
    [ImageInput, { tags: [{ constructor: 1 }] }, 'tags', 'must be text'],
    [ImageInput, { visibility: { toString: 1 } }, 'visibility', 'private, public'],
    [EnvironmentInput, { credentials: { password: { valueOf: 1, constructor: {} } } }, 'credentials.password', 'must be text'],
    [ImageInput, { specifics: '[1]' }, 'specifics', 'JSON object'],
    [ImageInput, { specifics: { a: 'b\u0000' } }, 'specifics', 'NUL'],
    [ImageInput, { specifics: { 'a\ud800': 1 } }, 'specifics', 'Unicode'],
    [ImageInput, { specifics: JSON.stringify(nested(100)) }, 'specifics', 'nested'],
    [ImageInput, { originEnvironment: 'x' }, 'originEnvironment', 'must be an object'],
    [ImageInput, { originEnvironment: [{}] }, 'originEnvironment', 'must be an object'],
    [ImageInput, { originEnvironment: { title: 1 } }, 'originEnvironment.title', 'must be text'],
    [EnvironmentInput, { title: {} }, 'title', 'must be text'],
    [EnvironmentInput, { credentials: 'x' }, 'credentials', 'must be an object'],
    [EnvironmentInput, { credentials: { location: 1 } }, 'credentials.location', 'must be text'],
    [EnvironmentInput, { credentials: { location: 'x'.repeat(2049) } }, 'credentials.location', 'at most'],
    [EnvironmentInput, { credentials: { username: [] } }, 'credentials.username', 'must be text'],
    [EnvironmentInput, { credentials: { password: 1 } }, 'credentials.password', 'must be text'],
    [EnvironmentInput, { credentials: { specifics: 7 } }, 'credentials.specifics', 'JSON object'],
    [EnvironmentInput, { credentials: { specifics: { a: '\u0000' } } }, 'credentials.specifics', 'NUL'],
    [EnvironmentInput, { managementlayer: 'docker' }, 'managementlayer', 'must be an object'],
    [EnvironmentInput, { managementlayer: { type: 'x' } }, 'managementlayer.type', 'basic'],
    [EnvironmentInput, { managementlayer: { software: 1 } }, 'managementlayer.software', 'must be text'],
    [EnvironmentInput, { managementlayer: { version: 1 } }, 'managementlayer.version', 'must be text'],
    [EnvironmentInput, { runtimetechnology: [] }, 'runtimetechnology', 'must be an object'],
    [EnvironmentInput, { runtimetechnology: { type: 1 } }, 'runtimetechnology.type', 'virtualmachine'],
    [EnvironmentInput, { runtimetechnology: { software: {} } }, 'runtimetechnology.software', 'must be text'],
    [EnvironmentInput, { runtimetechnology: { version: 1 } }, 'runtimetechnology.version', 'must be text'],
    [NewUser, { username: 'a' }, 'password', 'must be text'],
    [NewUser, { password: 'a' }, 'username', 'must be text'],
    [NewUser, { username: '', password: 'a' }, 'username', 'must not be empty'],
    [NewUser, { username: 'a', password: '' }, 'password', 'must not be empty'],
    [NewUser, { username: 'a:b', password: 'c' }, 'username', 'colon'],
    [NewUser, { username: 'x'.repeat(129), password: 'c' }, 'username', 'at most'],
    [NewUser, { username: 'a\n\u0001', password: 'c' }, 'username', 'control'],
    [NewUser, { username: 'a', password: 'x'.repeat(1025) }, 'password', 'at most'],
    [NewUser, { username: 'a', password: 'b', email: 1 }, 'email', 'must be text'],
    [NewUser, { username: 'a', password: 'b', fullname: {} }, 'fullname', 'must be text'],
    [DeploymentInput, { environmentId: 'b' }, 'imageid', 'must be text'],
    [DeploymentInput, { imageid: 'b' }, 'environmentId', 'must be text'],
    [DeploymentInput, { imageid: 1, environmentId: 'b' }, 'imageid', 'must be text'],
    [DeploymentInput, { imageid: '', environmentId: 'b' }, 'imageid', 'must not be empty'],
    [DeploymentInput, { imageid: 'a', environmentId: null }, 'environmentId', 'must be text'],
    [DeploymentInput, { imageid: 'a', environmentId: 'b', title: 1 }, 'title', 'must be text'],
    [DeploymentInput, { imageid: 'a', environmentId: 'b', specifics: 'x' }, 'specifics', 'JSON object'],
  ])('names the field: %o %j', (type: new () => object, body, field, message) => {
    expect(faultsOf(type, body)).toEqual(fault(field, message));
  });

  it('names every field at fault', () => {
    const body = { title: 1, tags: 2, originEnvironment: { credentials: { location: 3 }, managementlayer: { type: 4 } } };
    expect(
      faultsOf(ImageInput, body)
        .map(({ field }) => field)
        .sort(),
    ).toEqual(['originEnvironment.credentials.location', 'originEnvironment.managementlayer.type', 'tags', 'title']);
  });

  it('is not polluted by __proto__', () => {
    const read = validated(ImageInput, JSON.parse('{"__proto__":{"polluted":1},"title":"t"}'));
    expect((read as unknown as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(faultsOf(ImageInput, { specifics: '{"__proto__":{"polluted":1}}' })).toEqual(fault('specifics', '__proto__'));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
