import { refused } from '../refusal.js';

/** Without these known, a filesystem cannot be read rightly. */
export const INCOMPAT = {
  filetype: 0x2,
  recover: 0x4,
  metaBg: 0x10,
  extents: 0x40,
  bits64: 0x80,
  mmp: 0x100,
  flexBg: 0x200,
  eaInode: 0x400,
  csumSeed: 0x2000,
  largeDir: 0x4000,
  inlineData: 0x8000,
  // Names are kept as they were given; only looking them up differs.
  casefold: 0x20000,
};

export const COMPAT = { hasJournal: 0x4, sparseSuper2: 0x200 };
export const RO_COMPAT = { sparseSuper: 0x1 };

const REFUSED: Record<number, string> = {
  0x1: 'compresses files',
  0x8: 'is the journal of another one',
  0x1000: 'keeps data in its folders (dirdata)',
  0x10000: 'encrypts files',
};

const KNOWN = Object.values(INCOMPAT).reduce((all, bit) => all | bit, 0);

/** Throws CONTENT_REFUSED, in words, for what this reader does not understand. */
export function refuseUnknownFeatures(incompat: number): void {
  for (let bit = 1; bit <= 0x80000000; bit *= 2) {
    const isSet = Math.floor(incompat / bit) % 2 === 1;
    if (!isSet || (bit < 0x80000000 && (KNOWN & bit) !== 0)) continue;
    const why = REFUSED[bit] ?? `has a feature that is not known here (incompatible feature 0x${bit.toString(16)})`;
    throw refused(`the ext4 filesystem ${why}, so it cannot be read`);
  }
}
