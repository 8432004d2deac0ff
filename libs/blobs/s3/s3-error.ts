import { ViceError } from '#libs/errors';

interface S3Fault {
  name?: string;
  message?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

/** A quota is a refused size to some servers; what we send at once is never too large by itself. */
const FULL = new Set(['QuotaExceeded', 'EntityTooLarge', 'InsufficientStorage', 'XMinioStorageFull', 'StorageFull']);
const REFUSED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'RequestTimeTooSkewed', 'Forbidden']);

const faultOf = (error: unknown): S3Fault => (typeof error === 'object' && error !== null ? error : {});

export const statusOf = (error: unknown): number | undefined => faultOf(error).$metadata?.httpStatusCode;

/** There is no such object, or no such upload. A bucket that is missing is something else. */
export function isMissingObject(error: unknown): boolean {
  const { name } = faultOf(error);
  return (
    name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchUpload' || (statusOf(error) === 404 && name !== 'NoSuchBucket')
  );
}

/** A condition of the request does not hold, also while another request is about to make it so. */
export const isConditionUnmet = (error: unknown): boolean => statusOf(error) === 412 || statusOf(error) === 409;

/** This server knows no conditions on what is written. */
export const isNotImplemented = (error: unknown): boolean => statusOf(error) === 501;

/** A failed request in words for the user; what is no failure of the store stays as it is. */
export function s3Error(error: unknown): unknown {
  if (error instanceof ViceError) return error;
  const { name = '', code = '', message = '', $metadata: metadata } = faultOf(error);
  const status = statusOf(error);
  if (FULL.has(name) || status === 507 || status === 413)
    return fault('STORAGE_FULL', 'the object store is full, or its quota is; delete images that are not needed', error);
  if (name === 'NoSuchBucket') return fault('UNAVAILABLE', 'the bucket of the blob store does not exist', error);
  if (REFUSED.has(name) || status === 401 || status === 403) {
    // An answer to HEAD has no body that could name the fault.
    const how = REFUSED.has(name) ? name : status;
    return fault('UNAVAILABLE', `the object store refuses access (${how}): its access key, or what that may do, is wrong`, error);
  }
  if (name === 'AbortError') return error;
  if (status !== undefined) return fault('UNAVAILABLE', `the object store answers ${status} (${name}: ${message})`, error);
  // The client marks all that it has tried; without a status, no answer came.
  if (code !== '' || name === 'TimeoutError' || metadata !== undefined)
    return fault('UNAVAILABLE', `the object store does not answer: ${message || code}`, error);
  return error;
}

function fault(code: 'STORAGE_FULL' | 'UNAVAILABLE', message: string, cause: unknown): ViceError {
  return new ViceError(code, message, { cause });
}
