import { describe, expect, it } from '@jest/globals';
import { acceptedBy, type JsonObject } from '#libs/contracts';
import { wishesOf } from './deployment-wishes.js';

describe('what a deployment wishes for', () => {
  it.each<[software: string, specifics: JsonObject, accepts: string[], subformat: string | null]>([
    ['openstack', {}, ['disk-qcow2', 'disk-raw', 'disk-vmdk'], null],
    ['openstack', { contenttype: null, subformat: null }, ['disk-qcow2', 'disk-raw', 'disk-vmdk'], null],
    ['openstack', { contenttype: 'disk-raw' }, ['disk-raw'], null],
    ['openstack', { subformat: 'streamOptimized' }, ['disk-vmdk'], 'streamOptimized'],
    ['bwlehrpool', { contenttype: 'disk-vmdk', subformat: 'monolithicSparse' }, ['disk-vmdk'], 'monolithicSparse'],
    ['docker', { tag: 'mine:1', contenttype: 'docker-image' }, ['docker-image'], null],
  ])('for %s with %j: %j', (software, specifics, accepts, subformat) => {
    expect(wishesOf(specifics, acceptedBy(software))).toEqual({ accepts, subformat });
  });

  it.each<[software: string, specifics: JsonObject, fields: string[]]>([
    ['openstack', { contenttype: 'docker-image' }, ['specifics.contenttype']],
    ['openstack', { contenttype: 'DISK-RAW' }, ['specifics.contenttype']],
    ['openstack', { contenttype: 7, subformat: {} }, ['specifics.contenttype', 'specifics.subformat']],
    ['openstack', { subformat: 'twoGbMaxExtentFlat' }, ['specifics.subformat']],
    ['openstack', { contenttype: 'disk-raw', subformat: 'streamOptimized' }, ['specifics.subformat']],
    ['docker', { subformat: 'streamOptimized' }, ['specifics.subformat']],
  ])('refuses of %s %j, naming %j', (software, specifics, fields) => {
    expect(() => wishesOf(specifics, acceptedBy(software))).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', fields: fields.map((field) => expect.objectContaining({ field })) }),
    );
  });
});
