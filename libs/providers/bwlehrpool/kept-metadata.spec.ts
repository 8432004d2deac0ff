import { describe, expect, it } from '@jest/globals';
import { MAX_METADATA_CHARACTERS } from '#libs/contracts';
import { keptMetadata, type KnownOfImage } from './kept-metadata.js';

const kept = (known: Partial<KnownOfImage>, room?: number) =>
  keptMetadata(
    { facts: { osId: 7 }, machineDescription: Buffer.from('<domain/>'), software: ['gcc'], tags: [], description: 'x', ...known },
    room,
  );

describe('what is kept of an image', () => {
  it('is all of it where it fits', () => {
    expect(kept({ tags: ['a'] })).toEqual({
      metadata: { osId: 7, machineDescription: '<domain/>', software: ['gcc'], tags: ['a'], description: 'x' },
      notes: [],
    });
  });

  it('is the beginning of a description that is too long, and all the rest', () => {
    const { metadata, notes } = kept({ description: '"\n'.repeat(MAX_METADATA_CHARACTERS) });
    expect(metadata).toMatchObject({ machineDescription: '<domain/>', software: ['gcc'], osId: 7 });
    const { length } = JSON.stringify(metadata);
    expect(length).toBeLessThanOrEqual(MAX_METADATA_CHARACTERS);
    expect(length).toBeGreaterThan(MAX_METADATA_CHARACTERS - 4);
    expect(notes).toEqual([expect.stringMatching(/^of the description of the image only the first \d+ characters were kept$/)]);
  });

  it('is no half of a character', () => {
    for (const room of [80, 81, 82, 83]) {
      const { metadata } = kept({ machineDescription: Buffer.alloc(0), description: '😀'.repeat(99) }, room);
      expect(metadata['description']).toMatch(/^(😀)+$/u);
    }
  });

  it('is a large machine description rather than the description', () => {
    const machine = '<domain>'.padEnd(MAX_METADATA_CHARACTERS - 200);
    const { metadata } = kept({ machineDescription: Buffer.from(machine), description: 'd'.repeat(1000) });
    expect(metadata['machineDescription']).toBe(machine);
    expect(metadata['description']).toMatch(/^d{50,200}$/);
  });

  it('is no part of a machine description, nor of a list, and that is said', () => {
    const long = 'm'.repeat(MAX_METADATA_CHARACTERS);
    const { metadata, notes } = kept({ machineDescription: Buffer.from(long), software: [long], tags: [long] });
    expect(metadata).toEqual({ osId: 7, software: [], description: 'x' });
    expect(notes).toEqual([
      'the machine description of the image was not kept: it is too long',
      'the list of the software of the image was not kept: it is too long',
      'the list of the tags of the image was not kept: it is too long',
    ]);
  });

  it('is a machine description with the mark of its encoding', () => {
    expect(kept({ machineDescription: Buffer.from('\ufeff<domain/>') }).metadata).toMatchObject({
      machineDescription: '\ufeff<domain/>',
    });
  });

  it.each([
    ['no UTF-8', Buffer.from('annotation = "f\xfcr"\n', 'latin1')],
    ['no text that can be stored', Buffer.from('<domain/>\0')],
  ])('is a machine description byte for byte that is %s', (_what, machineDescription) => {
    const { metadata } = kept({ machineDescription });
    expect(metadata).not.toHaveProperty('machineDescription');
    expect(Buffer.from(metadata['machineDescriptionBase64'] as string, 'base64').equals(machineDescription)).toBe(true);
  });
});
