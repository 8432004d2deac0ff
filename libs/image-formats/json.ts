import { ViceError } from '#libs/errors';
import { type Json, type JsonObject } from '#libs/contracts';
import { checkJson } from './json.scan.js';
import { invalid, quote, refused } from './refusal.js';

/**
 * `what` names the document in the message; `uniqueKeys` is for a document that other programs will read too.
 * Throws CONTENT_INVALID, and CONTENT_REFUSED for what is nested too deep or has one key twice.
 */
export function parseJson(document: Buffer, what: string, { uniqueKeys = false } = {}): Json {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(document);
    checkJson(text, what, { uniqueKeys });
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw cause instanceof ViceError ? cause : invalid(`${what} is not valid JSON`, cause);
  }
}

/**
 * An object with fields that programs look for. Throws CONTENT_INVALID for what is no object, and CONTENT_REFUSED for one that has one of these `fields` in
 * another spelling, alone too, or any key in two: Go, in which Docker is written, takes each for the other, so that an engine could read what we
 * did not check. Whoever writes such documents in earnest spells them right.
 */
export function asObject(value: Json | undefined, what: string, fields: readonly string[]): JsonObject {
  if (!isObject(value)) throw invalid(`${what} is not a JSON object`);
  const spellings = new Map(fields.map((field) => [folded(field), field]));
  for (const key of Object.keys(value)) {
    const fold = folded(key);
    const spelling = spellings.get(fold) ?? key;
    if (spelling !== key) throw refused(`${what} has the key ${quote(key)}, which programs may take for ${quote(spelling)}`);
    spellings.set(fold, key);
  }
  return value;
}

/** The same for all spellings that Go takes for one: without regard to case, as Unicode knows it, where the long ſ is an s, and the sign for kelvin a k. */
export const folded = (key: string): string => key.toUpperCase().toLowerCase();

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isStrings = (value: Json | undefined): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

export const isDigest = (value: Json | undefined): value is string =>
  typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
