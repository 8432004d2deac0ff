import { describe, expect, it } from '@jest/globals';
import { instantOf, metadataOf, restoredProperties, whyNotImportable, type ImageRecord } from './image-record.js';

const record = (more: Partial<ImageRecord> = {}): ImageRecord => ({
  id: 'i1',
  name: 'Debian',
  status: 'active',
  disk_format: 'qcow2',
  container_format: 'bare',
  size: 5,
  min_disk: 2,
  min_ram: 512,
  os_hash_algo: 'sha512',
  os_hash_value: 'abc',
  owner: 'p1',
  self: '/v2/images/i1',
  hw_disk_bus: 'scsi',
  vice_deployment: 'd1',
  ...more,
});

describe('a record of an image', () => {
  it('is kept in the words of Glance, its properties apart', () => {
    expect(metadataOf(record())).toEqual({
      id: 'i1',
      name: 'Debian',
      disk_format: 'qcow2',
      container_format: 'bare',
      size: 5,
      min_disk: 2,
      min_ram: 512,
      os_hash_algo: 'sha512',
      os_hash_value: 'abc',
      properties: { hw_disk_bus: 'scsi' },
    });
  });

  it.each<[Partial<ImageRecord>, RegExp]>([
    [{ disk_format: 'iso' }, /iso.*qcow2, raw, vmdk/],
    [{ container_format: 'docker' }, /docker/],
    [{ status: 'deactivated' }, /deactivated/],
    [{ size: 0 }, /volume/],
  ])('cannot be imported with %j', (more, reason) => {
    expect(whyNotImportable(record(more))).toMatch(reason);
    expect(whyNotImportable(record())).toBeNull();
  });
});

describe('the properties of a deployed image', () => {
  const kept = { openstack: { properties: { hw_disk_bus: 'scsi', os_distro: 'debian' } } };

  it('are those that it had, and those that the deployment asks for', () => {
    expect(restoredProperties(kept, { properties: { os_distro: 'ubuntu', hw_vif_model: 'e1000' } })).toEqual({
      hw_disk_bus: 'scsi',
      os_distro: 'ubuntu',
      hw_vif_model: 'e1000',
    });
  });

  it('leave out what Glance keeps for itself, what a snapshot said of its server, and what is no text', () => {
    const properties = {
      id: 'x',
      status: 'active',
      os_glance_failed_import: '',
      image_type: 'snapshot',
      base_image_ref: 'b',
      instance_uuid: 'u',
      owner_specified: 'kept',
      nested: { a: 1 },
      hw_cores: 4,
    };
    expect(restoredProperties({ openstack: { properties } }, {})).toEqual({ owner_specified: 'kept', hw_cores: '4' });
  });

  it('are none where the image came from elsewhere', () => {
    expect(restoredProperties({ docker: { properties: { a: 'b' } }, openstack: 'odd' }, {})).toEqual({});
  });
});

it('reads an instant of the cloud', () => {
  expect(instantOf('2026-01-31T12:00:00Z')).toBe('2026-01-31T12:00:00.000Z');
  expect([undefined, 'yesterday'].map(instantOf)).toEqual([null, null]);
});
