import { ViceError, type ErrorCode } from '#libs/errors';

/**
 * A satellite takes about 16 downloads in five minutes, and calls an image in use for minutes after its last one: all the attempts of a job together have to
 * outlast that.
 */
const MINUTES_SECONDS = 60;

interface Words {
  pattern: RegExp;
  code: ErrorCode;
  retryAfter?: number;
  says: string;
  /** Said of anything but a transfer it means something else: too many failed logins, say. */
  ofTransfersOnly?: true;
}

/** What servers say in words only, in exceptions and within transfers alike. */
const WORDS: readonly Words[] = [
  {
    pattern: /server busy|too many/i,
    ofTransfersOnly: true,
    code: 'ENVIRONMENT_BUSY',
    retryAfter: MINUTES_SECONDS,
    says: 'has as many transfers as it takes at once; the transfer is tried again later',
  },
  {
    pattern: /currently in use/i,
    code: 'ENVIRONMENT_BUSY',
    retryAfter: MINUTES_SECONDS,
    says: 'still has the image in use, as it does for some minutes after a transfer; it is tried again later',
  },
  {
    pattern: /corrupted on server/i,
    code: 'ENVIRONMENT_REFUSED',
    says: 'says that the file of the image is damaged there: upload the image to bwLehrpool again, or take another version of it',
  },
];

/** The error for words that we know; null for others. */
export function refusalInWords(said: string, name: string, isOfTransfer = true): ViceError | null {
  const known = WORDS.find(({ pattern, ofTransfersOnly }) => (isOfTransfer || !ofTransfersOnly) && pattern.test(said));
  if (!known) return null;
  const { code, says, retryAfter } = known;
  return new ViceError(code, `${name} ${says} ("${said}")`, retryAfter === undefined ? {} : { retryAfter });
}
