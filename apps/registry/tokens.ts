/** Under which Nest provides the pino logger. */
export const LOGGER = Symbol('LOGGER');
