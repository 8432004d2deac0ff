import { string, struct, i32, type Fields, type StructOf, type WireType } from './wire-types.js';

/** The exceptions of bwLehrpool's services. */
export type ExceptionKind = 'authorization' | 'invocation' | 'not-found' | 'invalid-token' | 'transfer-rejected';

/** A method of a service: one declaration for both directions. */
export interface Method<Args, Result> {
  readonly name: string;
  readonly args: WireType<Args>;
  /** null: the method answers nothing. */
  readonly result: WireType<Result> | null;
  /** In the order of their ids, from 1. */
  readonly throws: readonly ExceptionKind[];
  /** Whether a call that may have been heard or not can be made once more. */
  readonly repeatable: boolean;
  /** What the server may take for it. */
  readonly withinMs: number;
}

/** So short that a user's request, which has 30 s, outlasts two calls that are not answered, and is told of it. */
const ANSWER_MS = 8_000;

interface Options {
  repeatable?: boolean;
  withinMs?: number;
}

/** All exceptions fit into this: `number` is only in two of them, and any field may be unset. */
export const EXCEPTION = struct({ number: [1, i32], message: [2, string] });
/** Those that carry nothing but a message. */
export const MESSAGE_EXCEPTION = struct({ message: [1, string] });

const KINDS: Readonly<Record<string, ExceptionKind>> = {
  A: 'authorization',
  V: 'invocation',
  N: 'not-found',
  K: 'invalid-token',
  R: 'transfer-rejected',
};

/**
 * @param args name → id and type
 * @param throws letters in the order of their ids: A authorization, V invocation, N not found, K invalid token, R transfer rejected
 */
export function method<const F extends Fields, Result>(
  name: string,
  args: F,
  result: WireType<Result>,
  throws: string,
  options?: Options,
): Method<StructOf<F>, Result>;
export function method<const F extends Fields>(
  name: string,
  args: F,
  result: null,
  throws: string,
  options?: Options,
): Method<StructOf<F>, void>;
export function method<const F extends Fields, Result>(
  name: string,
  args: F,
  result: WireType<Result> | null,
  throws: string,
  { repeatable = true, withinMs = ANSWER_MS }: Options = {},
): Method<StructOf<F>, Result | void> {
  return { name, args: struct(args), result, throws: [...throws].map((letter) => KINDS[letter]!), repeatable, withinMs };
}
