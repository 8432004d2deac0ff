import { ERROR_CODES, isErrorCode, type ErrorCode } from './codes.js';

/** One field of a request that is at fault. `field` is its path in the body (`credentials.location`) or the parameter's name. */
export interface FieldFault {
  field: string;
  message: string;
}

export interface ViceErrorOptions {
  cause?: unknown;
  fields?: FieldFault[];
  /** Seconds after which trying again makes sense; becomes `Retry-After`, and the least delay of a job's next attempt. */
  retryAfter?: number;
}

/** The form in which an error crosses the broker: no stack, no cause. */
export interface ErrorOnTheWire {
  code: ErrorCode;
  message: string;
  fields?: FieldFault[];
  retryAfter?: number;
}

/** The one error class. Its message is written for the user who asked: what is wrong, where, and what to do. */
export class ViceError extends Error {
  override readonly name = 'ViceError';
  readonly fields?: FieldFault[];
  readonly retryAfter?: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ViceErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.fields = options.fields;
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  get transient(): boolean {
    return ERROR_CODES[this.code].transient;
  }

  toWire(): ErrorOnTheWire {
    return { code: this.code, message: this.message, fields: this.fields, retryAfter: this.retryAfter };
  }

  static fromWire(wire: ErrorOnTheWire): ViceError {
    const code = isErrorCode(wire.code) ? wire.code : 'INTERNAL';
    return new ViceError(code, wire.message, { fields: wire.fields, retryAfter: wire.retryAfter });
  }

  /** What is not a ViceError is a fault of ours: its message stays inside, as the cause. */
  static from(error: unknown): ViceError {
    if (error instanceof ViceError) return error;
    return new ViceError('INTERNAL', 'an internal error occurred; it has been logged', { cause: error });
  }
}
