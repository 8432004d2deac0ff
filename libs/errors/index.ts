export { ERROR_CODES, isErrorCode, type ErrorCode } from './codes.js';
export { ViceError, type ErrorOnTheWire, type FieldFault, type ViceErrorOptions } from './vice-error.js';
