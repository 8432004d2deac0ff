import { type GuestDisk } from '../guest-disk/guest-disk.js';

/** What a volume holds, as a user calls it; `ext` for ext2, ext3 and ext4 alike. */
export type VolumeContents = 'ext' | 'nothing' | 'something unknown' | (typeof SIGNATURES)[number][0];

/** Name, offset, signature. The containers come first: what lies within them could show through. */
const SIGNATURES = [
  ['an encrypted volume (LUKS)', 0, 'LUKS\xba\xbe'],
  ['an encrypted volume (BitLocker)', 3, '-FVE-FS-'],
  ['a part of a RAID', 0, '\xfc\x4e\x2b\xa9'],
  ['a part of a RAID', 4096, '\xfc\x4e\x2b\xa9'],
  ['LVM', 536, 'LVM2 001'],
  ['LVM', 24, 'LVM2 001'],
  ['XFS', 0, 'XFSB'],
  ['Btrfs', 0x10040, '_BHRfS_M'],
  ['F2FS', 1024, '\x10\x20\xf5\xf2'],
  ['ReiserFS', 0x10034, 'ReIsEr'],
  ['JFS', 0x8000, 'JFS1'],
  ['EROFS', 1024, '\xe2\xe1\xf5\xe0'],
  ['SquashFS', 0, 'hsqs'],
  ['swap', 4086, 'SWAPSPACE2'],
  ['swap', 65526, 'SWAPSPACE2'],
  ['NTFS', 3, 'NTFS    '],
  ['exFAT', 3, 'EXFAT   '],
  ['FAT', 54, 'FAT'],
  ['FAT', 82, 'FAT32'],
  ['HFS+', 1024, 'H+'],
  ['APFS', 32, 'NXSB'],
  ['ISO 9660', 32769, 'CD001'],
] as const;

const HEAD_BYTES = 0x11000;

/** By signature only. */
export async function volumeContents(volume: GuestDisk): Promise<VolumeContents> {
  const head = await volume.read(0, Math.min(HEAD_BYTES, volume.size));
  for (const [name, at, signature] of SIGNATURES) {
    if (head.toString('latin1', at, at + signature.length) === signature) return name;
  }
  if (head.length >= 2048 && head.readUInt16LE(1024 + 56) === 0xef53) return 'ext';
  return head.every((byte) => byte === 0) ? 'nothing' : 'something unknown';
}
