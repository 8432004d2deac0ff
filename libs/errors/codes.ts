/**
 * The one table of everything that can go wrong in words a client or a job can be told.
 *
 * - `status`: the HTTP status that the gateway answers with.
 * - `transient`: in a job, whether trying again later can help.
 */
export const ERROR_CODES = {
  // The request
  INVALID_INPUT: { status: 405, transient: false, title: 'Invalid input' },
  INVALID_QUERY: { status: 400, transient: false, title: 'Invalid query parameter' },
  INVALID_UPLOAD: { status: 400, transient: false, title: 'Invalid upload' },
  MALFORMED_REQUEST: { status: 400, transient: false, title: 'Malformed request' },
  UNAUTHENTICATED: { status: 401, transient: false, title: 'Authentication required' },
  FORBIDDEN: { status: 403, transient: false, title: 'Forbidden' },
  NOT_FOUND: { status: 404, transient: false, title: 'Not found' },
  USER_NOT_FOUND: { status: 404, transient: false, title: 'User not found' },
  ENVIRONMENT_NOT_FOUND: { status: 404, transient: false, title: 'Environment not found' },
  IMAGE_NOT_FOUND: { status: 404, transient: false, title: 'Image not found' },
  IMAGE_HAS_NO_CONTENT: { status: 404, transient: false, title: 'Image has no content yet' },
  DEPLOYMENT_NOT_FOUND: { status: 404, transient: false, title: 'Deployment not found' },
  JOB_NOT_FOUND: { status: 404, transient: false, title: 'Job not found' },
  METHOD_NOT_ALLOWED: { status: 405, transient: false, title: 'Method not allowed' },
  NOT_ACCEPTABLE: { status: 406, transient: false, title: 'Not acceptable' },
  REQUEST_TOO_SLOW: { status: 408, transient: true, title: 'Request too slow' },
  USERNAME_TAKEN: { status: 409, transient: false, title: 'Username taken' },
  CONFLICT: { status: 409, transient: false, title: 'Conflict' },
  IMAGE_NOT_READY: { status: 409, transient: false, title: 'Image is not ready' },
  ENVIRONMENT_IN_USE: { status: 409, transient: false, title: 'Environment in use' },
  NO_PROVIDER: { status: 409, transient: false, title: 'No provider for this kind of environment' },
  NOT_DEPLOYABLE: { status: 409, transient: false, title: 'Not deployable into this environment' },
  NOT_CONVERTIBLE: { status: 409, transient: false, title: 'Not convertible' },
  TOOLS_MISSING: { status: 409, transient: false, title: 'Tools for conversion are missing' },
  PRECONDITION_FAILED: { status: 412, transient: false, title: 'Precondition failed' },
  BODY_TOO_LARGE: { status: 413, transient: false, title: 'Request body too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, transient: false, title: 'Unsupported media type' },
  RANGE_NOT_SATISFIABLE: { status: 416, transient: false, title: 'Range not satisfiable' },
  HEADERS_TOO_LARGE: { status: 431, transient: false, title: 'Request headers too large' },
  TOO_MANY_REQUESTS: { status: 429, transient: true, title: 'Too many requests' },

  // The content
  IMAGE_TOO_LARGE: { status: 400, transient: false, title: 'Image too large' },
  CONTENT_INVALID: { status: 422, transient: false, title: 'Content is not what it says it is' },
  CONTENT_TRUNCATED: { status: 422, transient: false, title: 'Content is truncated' },
  CONTENT_REFUSED: { status: 422, transient: false, title: 'Content is refused as unsafe' },
  CHECKSUM_MISMATCH: { status: 422, transient: true, title: 'Checksum mismatch' },

  // The environment
  ENVIRONMENT_UNREACHABLE: { status: 502, transient: true, title: 'Environment does not answer' },
  ENVIRONMENT_BUSY: { status: 503, transient: true, title: 'Environment is busy' },
  ENVIRONMENT_FAILED: { status: 502, transient: true, title: 'Environment answered with an error of its own' },
  ENVIRONMENT_REFUSED: { status: 409, transient: false, title: 'Environment refused the request' },
  CREDENTIALS_REFUSED: { status: 409, transient: false, title: 'Environment refused the credentials' },
  ENVIRONMENT_MISCONFIGURED: { status: 409, transient: false, title: 'Environment is set up wrongly' },
  LOCATION_DENIED: { status: 403, transient: false, title: 'Location not allowed' },
  REMOTE_IMAGE_NOT_FOUND: { status: 404, transient: false, title: 'No such image in the environment' },
  RECEIPT_MISMATCH: { status: 502, transient: true, title: 'The environment holds something else than was sent' },

  // The job
  JOB_NOT_CLAIMABLE: { status: 409, transient: false, title: 'Job is not to be claimed' },
  JOB_NOT_RETRYABLE: { status: 409, transient: false, title: 'Job cannot be run again' },
  JOB_FENCED: { status: 409, transient: false, title: 'Job belongs to a later attempt' },
  JOB_CANCELLED: { status: 409, transient: false, title: 'Job was cancelled' },
  MESSAGE_DEAD_LETTERED: { status: 503, transient: true, title: 'The broker gave up on the message of the job' },
  LEASE_LOST: { status: 503, transient: true, title: 'Lease of the job ended' },

  // Ourselves
  BLOB_NOT_FOUND: { status: 500, transient: true, title: 'Blob is missing' },
  STORAGE_FULL: { status: 507, transient: true, title: 'Storage is full' },
  UNAVAILABLE: { status: 503, transient: true, title: 'Service unavailable' },
  CONFIGURATION: { status: 500, transient: false, title: 'Configuration is wrong' },
  INTERNAL: { status: 500, transient: true, title: 'Internal error' },
} as const satisfies Record<string, { status: number; transient: boolean; title: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}
