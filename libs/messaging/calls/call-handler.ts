import { type Call } from '#libs/contracts';
import { type CallContext } from '../broker.js';
import { handlerMethod } from '../nest-handler.js';

/** Tells Nest which handlers are calls and which are jobs, where one application serves both. */
export const CALLS = Symbol('calls');

/**
 * The method that answers a call: `(request, context) => Promise<Answer>`. Its class is a Nest `@Controller()`,
 * listed under `controllers`. What it raises crosses to the caller: a ViceError as it is, anything else as INTERNAL.
 */
export function CallHandler<Request, Answer>(call: Call<Request, Answer>) {
  return <Handler extends (request: Request, context: CallContext) => Promise<Answer>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Handler>,
  ): void => handlerMethod(CALLS, call.name, { service: call.service })(target, key, descriptor);
}
