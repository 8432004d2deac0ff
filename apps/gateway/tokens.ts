/** Nest tokens of what `startGateway` is given. */
export const BLOB_STORE = Symbol('BLOB_STORE');
export const LOGGER = Symbol('LOGGER');
