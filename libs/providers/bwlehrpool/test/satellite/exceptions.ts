import { i32, struct, text, type Wire } from './wire.js';

/** An exception that a method declares. The letter says which, as in the reference: A, V, N, K, R. */
export class Thrown extends Error {
  constructor(
    readonly letter: 'A' | 'V' | 'N' | 'K' | 'R',
    readonly body: Wire,
  ) {
    super(letter);
  }
}

/** Both fields may be unset, as they often are. */
export const authorization = (number?: number, message?: string) => new Thrown('A', numbered(number, message));
export const invocation = (number?: number, message?: string) => new Thrown('V', numbered(number, message));
export const notFound = (message?: string) => new Thrown('N', struct({ 1: said(message) }));
export const invalidToken = () => new Thrown('K', struct({}));
export const rejected = (message?: string) => new Thrown('R', struct({ 1: said(message) }));

const numbered = (number?: number, message?: string) =>
  struct({ 1: number === undefined ? undefined : i32(number), 2: said(message) });
const said = (message?: string) => (message === undefined ? undefined : text(message));
