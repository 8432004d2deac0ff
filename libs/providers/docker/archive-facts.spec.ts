import { describe, expect, test } from '@jest/globals';
import { type ImageInspectInfo } from 'dockerode';
import { proofOf, type ArchiveFacts } from './archive-facts.js';

const archive: ArchiveFacts = {
  configDigest: 'sha256:config',
  manifestDigest: 'sha256:manifest',
  diffIds: ['sha256:a', 'sha256:b'],
  os: 'linux',
  architecture: 'amd64',
  config: { Cmd: ['/bin/sh'] },
};
const found = (id: string, { layers = archive.diffIds, cmd = '/bin/sh', os = 'linux' } = {}) =>
  ({
    Id: `sha256:${id}`,
    RootFS: { Type: 'layers', Layers: layers },
    Os: os,
    Architecture: 'amd64',
    Config: { Cmd: [cmd], Env: null },
  }) as unknown as ImageInspectInfo;

describe('an image on an engine is the archive', () => {
  test.each([
    [found('config'), false, 'config digest'],
    [found('manifest'), true, 'manifest digest'],
    [found('other'), true, 'layers and configuration'],
  ])('by its id, or by all that it holds', (image, inContainerd, proof) => {
    expect(proofOf(image, archive, inContainerd)).toBe(proof);
  });

  test.each([
    ['another id where ids are config digests', found('other'), false],
    ['other layers under the same config digest', found('config', { layers: ['sha256:evil'] }), false],
    ['other layers under the same manifest digest', found('manifest', { layers: ['sha256:evil'] }), true],
    ['another command', found('other', { cmd: '/evil' }), true],
    ['another platform', found('other', { os: 'windows' }), true],
  ])('but not with %s', (_, image, inContainerd) => {
    expect(proofOf(image, archive, inContainerd)).toBeNull();
  });
});
