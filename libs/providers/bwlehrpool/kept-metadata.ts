import { type Json, type JsonObject, MAX_METADATA_CHARACTERS } from '#libs/contracts';

/** What an image is described by at a satellite. */
export interface KnownOfImage {
  /** Ids and names, which are short. */
  facts: JsonObject;
  machineDescription: Buffer;
  software: readonly string[];
  tags: readonly string[];
  description: string;
}

/**
 * As much of it as fits, what the way back needs most before the rest: a machine description is of use only whole, a text also when it is cut. `notes` says what
 * was left out.
 */
export function keptMetadata(known: KnownOfImage, room = MAX_METADATA_CHARACTERS): { metadata: JsonObject; notes: string[] } {
  const { facts, machineDescription, software, tags, description } = known;
  const notes: string[] = [];
  let metadata: JsonObject = { ...facts, description: '', software: [] };
  const add = (more: JsonObject, what: string) => {
    const grown = { ...metadata, ...more };
    if (charactersOf(grown) <= room) metadata = grown;
    else notes.push(`${what} of the image was not kept: it is too long`);
  };
  if (machineDescription.length > 0) add(machineFields(machineDescription), 'the machine description');
  add({ software: [...software] }, 'the list of the software');
  if (tags.length > 0) add({ tags: [...tags] }, 'the list of the tags');
  const fitting = cut(description, room - charactersOf(metadata));
  if (fitting !== description)
    notes.push(`of the description of the image only the first ${fitting.length} characters were kept`);
  return { metadata: { ...metadata, description: fitting }, notes };
}

/** Byte for byte: what is no text is kept as base64. */
function machineFields(bytes: Buffer): JsonObject {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    // A registry cannot store this character within a text.
    if (!text.includes('\0')) return { machineDescription: text };
  } catch {
    // no text
  }
  return { machineDescriptionBase64: bytes.toString('base64') };
}

/** Counts what quoting adds, and never ends in the midst of a character. */
function cut(text: string, room: number): string {
  const added = (part: string) => charactersOf(part) - 2;
  if (added(text) <= room) return text;
  let [fits, tooLong] = [0, text.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (added(text.slice(0, middle)) <= room) fits = middle;
    else tooLong = middle;
  }
  return text.slice(0, fits).replace(/\p{Cs}$/u, '');
}

const charactersOf = (value: Json): number => JSON.stringify(value).length;
