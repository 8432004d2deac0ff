import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallContext } from '../broker.js';

const currentCall = new AsyncLocalStorage<CallContext>();

/** Runs a handler so that all it awaits can see its deadline. */
export function withinCall<T>(context: CallContext, run: () => T): T {
  return currentCall.run(context, run);
}

/** When the caller of the call that is being handled gives up, in milliseconds since the epoch; undefined outside of a call. */
export function currentDeadline(): number | undefined {
  return currentCall.getStore()?.deadline;
}
