/** Under which Nest provides the blob store. */
export const BLOB_STORE = Symbol('BLOB_STORE');
