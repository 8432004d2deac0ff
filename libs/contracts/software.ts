import { type ContentType } from './vocabulary.js';

interface Software {
  /** Best first. */
  accepts: readonly ContentType[];
  /** Of these, what it takes but has to convert by itself at each start: deployed only where nothing better can be made of the image. */
  reluctantly: readonly ContentType[];
  /** Keys of `credentials.specifics` that hold a secret beyond those whose name says so. */
  secrets: readonly string[];
}

/** What each kind of environment takes: a row per provider, keyed by `managementlayer.software` in lower case. */
export const SOFTWARE: Readonly<Record<string, Software>> = {
  docker: { accepts: ['docker-image', 'docker-file'], reluctantly: [], secrets: ['key', 'sshKey'] },
  openstack: {
    accepts: ['disk-qcow2', 'disk-raw', 'disk-vmdk'],
    reluctantly: ['disk-vmdk'],
    secrets: ['applicationCredentialSecret'],
  },
  bwlehrpool: { accepts: ['disk-qcow2', 'disk-vmdk'], reluctantly: [], secrets: ['accessCode'] },
};

const SECRET_WORDS = ['password', 'passwd', 'secret', 'token', 'private'];

/** Every key that is a secret for some software; compared without regard to case. */
const SECRET_KEYS = new Set(Object.values(SOFTWARE).flatMap(({ secrets }) => secrets.map((key) => key.toLowerCase())));

/** Whether a key of `credentials.specifics` holds a secret. It does not depend on the software, which may be changed later. */
export function isSecretKey(key: string): boolean {
  const lower = key.toLowerCase();
  return SECRET_KEYS.has(lower) || SECRET_WORDS.some((word) => lower.includes(word));
}

/** `managementlayer.software` as our tables have it, however a user wrote it; empty where there is none. */
export const softwareName = (software: string | null | undefined): string => software?.trim().toLowerCase() ?? '';

/** The content types that environments of this software take; empty where there is no provider. */
export function acceptedBy(software: string | null | undefined): readonly ContentType[] {
  return SOFTWARE[softwareName(software)]?.accepts ?? [];
}

/** Of these content types, those that environments of this software take only where nothing better can be had. */
export function reluctantlyAcceptedBy(software: string | null | undefined): readonly ContentType[] {
  return SOFTWARE[softwareName(software)]?.reluctantly ?? [];
}
