import { type Json, type JsonObject } from '#libs/contracts';
import { invalid, refused } from './refusal.js';

/** `what` names the document in the message. Throws CONTENT_INVALID. */
export function parseJson(document: Buffer, what: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(document)) as Json;
  } catch (cause) {
    throw invalid(`${what} is not valid JSON`, cause);
  }
}

/**
 * Throws CONTENT_INVALID for what is no object, and CONTENT_REFUSED for one whose keys differ only in their case: Go, in which Docker is written,
 * takes either for the other, so that an engine could read what we did not check.
 */
export function asObject(value: Json | undefined, what: string): JsonObject {
  if (!isObject(value)) throw invalid(`${what} is not a JSON object`);
  const keys = Object.keys(value);
  if (new Set(keys.map((key) => key.toLowerCase())).size !== keys.length)
    throw refused(`${what} has one key twice, in different spellings`);
  return value;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isStrings = (value: Json | undefined): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

export const isDigest = (value: Json | undefined): value is string =>
  typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
