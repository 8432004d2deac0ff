import { Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import { Ctx, MessagePattern, Payload, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';

/** Lets an error through as it was raised: Nest's own filter would replace it by "Internal server error". */
@Catch()
class Unchanged implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Makes a method a handler of one of our transports, called with (request, context). */
export function handlerMethod(
  transport: symbol,
  pattern: string,
  extras: Record<string, unknown>,
): (target: object, key: string | symbol, descriptor: PropertyDescriptor) => void {
  return (target, key, descriptor) => {
    MessagePattern(pattern, transport, extras)(target, key, descriptor);
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    UseFilters(new Unchanged())(target, key, descriptor);
  };
}

/** What a handler returns, or raises; Nest wraps either in an observable where it pleases. */
export async function invoke(handler: MessageHandler, request: unknown, context: unknown): Promise<unknown> {
  const returned: unknown = await handler(request, context);
  return isObservable(returned) ? lastValueFrom(returned, { defaultValue: null }) : returned;
}
