import { describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { type OperatingSystem } from '../calls/structs.js';
import { planMachine, type PlannedDisk } from './machine-plan.js';

const SYSTEMS: OperatingSystem[] = [
  {
    osId: 7,
    osName: 'Ubuntu (64 Bit)',
    virtualizerOsId: new Map([
      ['vmware', 'ubuntu-64'],
      ['qemukvm', 'ubuntu'],
    ]),
  },
  {
    osId: 42,
    osName: 'Other Linux (64 Bit)',
    virtualizerOsId: new Map([
      ['vmware', 'other|"linux'],
      ['qemukvm', 'linux'],
    ]),
  },
];
const plan = (contentType: PlannedDisk['contentType'], imageSpecifics: JsonObject = {}, facts: JsonObject = {}) =>
  planMachine({ contentType, imageSpecifics, facts }, SYSTEMS);

describe('a machine that is made for a disk', () => {
  it('is one for QEMU for a qcow2 disk: one disk without a source', () => {
    const { virtId, osId, machineDescription, kept } = plan('disk-qcow2');
    expect({ virtId, osId, kept }).toEqual({ virtId: 'qemukvm', osId: 42, kept: false });
    expect(machineDescription).toContain('<name>ViCE</name>');
    expect(machineDescription.toString().match(/<disk /g)).toHaveLength(1);
    expect(machineDescription).toContain(
      '<disk type="file" device="disk">\n      <driver name="qemu" type="qcow2"/>\n      <target dev="vda" bus="virtio"/>',
    );
    expect(machineDescription).not.toMatch(/<source|nvram|firmware/);
  });

  it.each([
    [{ hw_disk_bus: 'scsi' }, /dev="sda" bus="scsi"[\s\S]*virtio-scsi/],
    [{ hw_disk_bus: 'ide' }, /machine="pc"[\s\S]*dev="hda" bus="ide"/],
    [{ hw_disk_bus: 'sata' }, /dev="sda" bus="sata"/],
    [{ hw_disk_bus: '"/><evil' }, /dev="vda" bus="virtio"/],
    [{ hw_vif_model: 'e1000' }, /<model type="e1000"\/>/],
    [{ hw_vif_model: '"/><evil' }, /<model type="virtio"\/>/],
    [{ hw_firmware_type: 'uefi' }, /<os firmware="efi">/],
  ])('is as the cloud says that it came from: %j', (properties, expected) => {
    expect(plan('disk-qcow2', { openstack: { properties } }).machineDescription).toMatch(expected);
  });

  it('has the operating system that the cloud says', () => {
    expect(plan('disk-qcow2', { openstack: { os_distro: 'ubuntu' } }).osId).toBe(7);
    expect(plan('disk-qcow2', { openstack: { os_distro: 'ubuntu', os_version: '24.04' } }).osId).toBe(7);
    expect(plan('disk-qcow2', { openstack: { os_version: '24.04' } }).osId).toBe(42);
  });

  it('is one for VMware for a VMDK disk, as lecture start wants it', () => {
    const { virtId, machineDescription } = plan('disk-vmdk', { openstack: { os_distro: 'ubuntu' } });
    expect(virtId).toBe('vmware');
    expect(machineDescription).toBe(
      '.encoding = "UTF-8"\nconfig.version = "8"\nvirtualHW.version = "14"\nguestOS = "ubuntu-64"\n' +
        '#SLX_HDD_BUS = "SCSI"\n#SLX_HDD_CHIP = "lsilogic"\nethernet0.virtualDev = "e1000"\nusb.present = "TRUE"\nehci.present = "TRUE"\n',
    );
  });

  it.each([
    [{ adapterType: 'ide' }, /^#SLX_HDD_BUS = "IDE"\nethernet/m],
    [{ adapterType: 'buslogic' }, /^#SLX_HDD_BUS = "SCSI"\n#SLX_HDD_CHIP = "buslogic"$/m],
    [{ adapterType: 'lsilogic' }, /^#SLX_HDD_CHIP = "lsilogic"$/m],
  ])('hangs the disk where it hung: %j', (facts, expected) => {
    expect(plan('disk-vmdk', {}, facts).machineDescription).toMatch(expected);
  });

  it('writes what would end a line in VMware’s own way', () => {
    expect(plan('disk-vmdk').machineDescription).toContain('guestOS = "other|7C|22linux"\n');
  });

  it('is none for other content', () => {
    expect(() => plan('disk-raw')).toThrow(expect.objectContaining({ code: 'NOT_DEPLOYABLE' }));
  });
});

describe('a machine that an image came with', () => {
  const domain = (disk: string) => `<domain type="kvm"><name>x</name><devices>${disk}</devices></domain>`;
  const qcow2 = domain('<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><target dev="vda"/></disk>');
  const vmx = '.encoding = "UTF-8"\n#SLX_HDD_BUS = "SATA"\n';
  const from = (virtId: string, machineDescription: string): JsonObject => ({
    bwlehrpool: { virtId, machineDescription, osId: 7, osName: 'Ubuntu (64 Bit)' },
  });

  it.each([
    ['disk-qcow2', from('qemukvm', qcow2), 'qemukvm'],
    ['disk-vmdk', from('qemukvm', qcow2.replace('qcow2', 'vmdk')), 'qemukvm'],
    ['disk-vmdk', from('vmware', vmx), 'vmware'],
    ['disk-qcow2', from('qemukvm', domain(`<disk type="file" device="cdrom"/>${qcow2.match(/<disk.*<\/disk>/)![0]}`)), 'qemukvm'],
    ['disk-qcow2', from('qemukvm', qcow2.replace(' type="qcow2"', '')), 'qemukvm'],
    ['disk-qcow2', from('qemukvm', qcow2.replace('<driver name="qemu" type="qcow2"/>', '')), 'qemukvm'],
    ['disk-qcow2', from('qemukvm', qcow2.replace('<devices>', '<devices><!-- <disk> <disk/> -->')), 'qemukvm'],
    ['disk-qcow2', from('qemukvm', qcow2.replace('<target', '<!-- <source file="/x"/> --><target')), 'qemukvm'],
  ] as const)('is kept where it fits the disk: %s', (contentType, specifics, virtId) => {
    const { bwlehrpool } = specifics as { bwlehrpool: JsonObject };
    expect(plan(contentType, specifics)).toEqual({
      virtId,
      osId: 7,
      machineDescription: bwlehrpool['machineDescription'],
      kept: true,
    });
  });

  it('is kept byte for byte where it is of another encoding', () => {
    const machineDescription = Buffer.from(`${vmx}annotation = "f\xfcr"\n`, 'latin1');
    const bwlehrpool = { virtId: 'vmware', machineDescriptionBase64: machineDescription.toString('base64') };
    expect(plan('disk-vmdk', { bwlehrpool })).toMatchObject({ machineDescription, kept: true });
  });

  it.each([
    ['the disk was converted', 'disk-vmdk', from('qemukvm', qcow2), 'vmware'],
    ['the disk was converted from VMware’s', 'disk-qcow2', from('vmware', vmx), 'qemukvm'],
    ['there are two disks', 'disk-qcow2', from('qemukvm', domain(qcow2.match(/<disk.*<\/disk>/)![0].repeat(2))), 'qemukvm'],
    ['there is none', 'disk-qcow2', from('qemukvm', domain('')), 'qemukvm'],
    ['there is none but in a comment', 'disk-qcow2', from('qemukvm', domain('<!--<disk device="disk"/>-->')), 'qemukvm'],
    ['the disk names a file', 'disk-qcow2', from('qemukvm', qcow2.replace('<target', '<source file="/x"/><target')), 'qemukvm'],
    ['nothing says where the disk hangs', 'disk-vmdk', from('vmware', '.encoding = "UTF-8"\n'), 'vmware'],
    ['it is not there', 'disk-qcow2', { bwlehrpool: { virtId: 'qemukvm' } }, 'qemukvm'],
    ['somebody wrote something else there', 'disk-qcow2', { bwlehrpool: [1] }, 'qemukvm'],
  ] as const)('is made anew where %s', (_why, contentType, specifics, virtId) => {
    expect(plan(contentType, specifics as unknown as JsonObject)).toMatchObject({ virtId, kept: false });
  });
});
