import { describe, expect, it } from '@jest/globals';
import { deploymentName, isReference, repositoryOf, wishedName } from './image-names.js';

describe('names of images', () => {
  it.each([
    ['busybox', 'busybox'],
    ['busybox:1.36', 'busybox-1.36'],
    ['My Tools 2.0!', 'my-tools-2.0'],
    ['library/ubuntu:24.04', 'library-ubuntu-24.04'],
    ['Grüße', 'grusse'],
    ['Ünïcödé Bild', 'unicode-bild'],
    ['SHA256', 'imagesha256'],
    ['a'.repeat(64), `image${'a'.repeat(64)}`],
    ['__a..b___c--d.-e_.f', 'a-b-c--d-e-f'],
    ['a.b__c_d', 'a.b__c_d'],
    ['...', 'image'],
    ['画像', 'image'],
    [null, 'image'],
    ['x'.repeat(300), 'x'.repeat(100)],
  ])('%s becomes the repository %s', (title, repository) => {
    expect(repositoryOf(title)).toBe(repository);
    expect(wishedName({ tag: repository })).toEqual({ repository, tag: 'latest' });
  });

  it('marks a deployment by its id', () => {
    expect(deploymentName('Tools', '0B7E9c1a-2f3d-4a5b-8c7d-000000000000')).toEqual({
      repository: 'tools',
      tag: 'vice-0b7e9c1a2f3d',
    });
  });

  it.each([
    ['tools', { repository: 'tools', tag: 'latest' }],
    ['tools:1', { repository: 'tools', tag: '1' }],
    ['registry.example.org:5000/group/tools:v1.0', { repository: 'registry.example.org:5000/group/tools', tag: 'v1.0' }],
  ])('takes %s for a tag', (tag, name) => {
    expect(wishedName({ Tag: tag })).toEqual(name);
  });

  it.each(['Tools:1', 'tools:', ':1', 'a b', 'tools@sha256:00', '../x', 'a//b', 'a'.repeat(64), 'sha256:abc'])(
    'refuses %s as a tag',
    (tag) => {
      expect(() => wishedName({ tag })).toThrow(expect.objectContaining({ code: 'NOT_DEPLOYABLE' }));
    },
  );

  it.each(['busybox', 'a/b:1', `sha256:${'0'.repeat(64)}`, 'x@sha256:00', 'my_container.1'])('%s can be a reference', (text) => {
    expect(isReference(text)).toBe(true);
  });

  it.each(['', '../info', 'a/../../containers', 'a?b', 'a b', 'a#b', '-x', 'a%2f'])('%s can be none', (text) => {
    expect(isReference(text)).toBe(false);
  });
});
