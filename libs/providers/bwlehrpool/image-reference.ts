import { type UploadTicket } from './transfer/upload.js';

/**
 * `base/version` names one version of an image, as the id of what we deploy does. While it is being uploaded, the port of the upload is noted with it,
 * `base/version:9093`: the version's id is also the token with which a later attempt goes on, and nothing else tells the port again.
 */
export interface VersionReference {
  baseId: string;
  versionId: string;
  port?: number;
}

const FORM = /^([\w-]{1,64})\/([\w-]{1,64})(?::(\d{1,5}))?$/;

export function parseReference(text: string): VersionReference | null {
  const [, baseId, versionId, port] = FORM.exec(text) ?? [];
  if (baseId === undefined || versionId === undefined) return null;
  return { baseId, versionId, ...(port !== undefined && { port: Number(port) }) };
}

export const referenceText = (baseId: string, versionId: string): string => `${baseId}/${versionId}`;

export const notedReference = (baseId: string, { token, port }: UploadTicket): string => `${baseId}/${token}:${port}`;

/** An id of a base or of a version, as a user may type it. */
export const isId = (text: string): boolean => /^[\w-]{1,64}$/.test(text);
