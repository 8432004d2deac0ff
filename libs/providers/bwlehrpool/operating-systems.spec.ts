import { describe, expect, it } from '@jest/globals';
import { type OperatingSystem } from './calls/structs.js';
import { findSystem } from './operating-systems.js';

const system = (osId: number, osName: string, virtualizers = ['vmware', 'qemukvm']): OperatingSystem => ({
  osId,
  osName,
  virtualizerOsId: new Map(virtualizers.map((id) => [id, osName])),
});
const KNOWN = [
  system(3, 'Debian (32 Bit)'),
  system(4, 'Debian (64 Bit)'),
  system(7, 'Ubuntu (64 Bit)'),
  system(8, 'Ubuntu 22.04 LTS (64 Bit)'),
  system(19, 'Windows 10 (64 Bit)'),
  system(20, 'Windows Server 2019', ['vmware']),
  system(42, 'Other Linux (64 Bit)'),
];

describe('the operating system of an image', () => {
  it.each([
    ['by its number and name', { osId: 19, name: 'Windows 10 (64 Bit)' }, 19],
    ['by its number alone', { osId: 19 }, 19],
    ['by its name, where the number is of another satellite', { osId: 3, name: 'Ubuntu (64 Bit)' }, 7],
    ['by its name, however it is written', { name: 'UBUNTU  64 bit' }, 7],
    ['by the name of its distribution', { name: 'ubuntu' }, 7],
    ['by distribution and version', { name: 'ubuntu', version: '22.04' }, 8],
    ['by its distribution, where the version is not known', { name: 'ubuntu', version: '24.04' }, 7],
    ['by its distribution, where the version is no number', { name: 'debian', version: 'bookworm' }, 4],
    ['as any other, where neither is known', { name: 'plan9', version: '4' }, 42],
    ['with 64 bits rather than 32', { name: 'debian' }, 4],
    ['as any other, where it is not known', { name: 'plan9' }, 42],
    ['as any other, where nothing is known of it', {}, 42],
    ['as any other, where its number is of another satellite', { osId: 999 }, 42],
  ])('is found %s', (_how, wish, osId) => {
    expect(findSystem(KNOWN, wish, 'qemukvm').osId).toBe(osId);
  });

  it('is one that the virtualizer can run', () => {
    expect(findSystem(KNOWN, { name: 'windows server' }, 'vmware').osId).toBe(20);
    expect(findSystem(KNOWN, { name: 'windows server' }, 'qemukvm').osId).toBe(42);
  });

  it('is the first one where a satellite has no name for others, and none where it knows none', () => {
    expect(findSystem([system(5, 'Debian')], {}, 'qemukvm').osId).toBe(5);
    expect(() => findSystem([], {}, 'qemukvm')).toThrow(/knows no operating systems/);
  });
});
