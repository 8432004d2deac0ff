import { type EnvironmentReader } from './environment-reader.js';

const SECRET_KEY = /^[A-Za-z0-9+/]{43}=$/;

export function secretKey(read: EnvironmentReader): string | null {
  const text = read.text('VICE_SECRET_KEY');
  if (text === null) return null;
  if (SECRET_KEY.test(text)) return text;
  read.fault('VICE_SECRET_KEY must be 32 bytes in base64 (openssl rand -base64 32)');
  return null;
}

export function otherSecretKeys(read: EnvironmentReader): string[] {
  // Without repeating one, which is a secret.
  const keys = (read.text('VICE_OTHER_SECRET_KEYS') ?? '').split(',').map((key) => key.trim());
  const given = keys.filter((key) => key !== '');
  if (given.every((key) => SECRET_KEY.test(key))) return given;
  read.fault('VICE_OTHER_SECRET_KEYS must be a comma-separated list of keys, each 32 bytes in base64');
  return [];
}
