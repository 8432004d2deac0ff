import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ViceError } from '#libs/errors';
import { type Logger } from '#libs/observability';
import { type AllowedMethods } from './allowed-methods.js';
import { asViceError, headersOf, isHidden, problemOf } from './problem.js';
import { type GatewayReply, type GatewayRequest } from './request.js';

/** The one place where an error becomes an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly allowed: AllowedMethods,
    private readonly logger: Logger,
  ) {}

  catch(raised: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<GatewayRequest>();
    const reply = host.switchToHttp().getResponse<GatewayReply>();
    const path = request.url.split('?', 1)[0] ?? '';
    const allow = this.allowed.at(path);
    const error = isUnknownRoute(raised) && allow ? methodNotAllowed(request.method, allow) : asViceError(raised);
    if (isHidden(error)) request.atWork(() => this.logger.error({ err: error.cause ?? error }, 'request failed'));
    if (reply.raw.headersSent) {
      // Half an answer is out already: all that can still be said is that the rest will not come.
      reply.raw.destroy();
      return;
    }
    reply
      .code(error.status)
      .headers(headersOf(error, allow))
      .type('application/problem+json')
      .serializer((problem: unknown) => JSON.stringify(problem))
      .send(problemOf(error));
  }
}

const isUnknownRoute = (raised: unknown): boolean => raised instanceof HttpException && raised.getStatus() === 404;

const methodNotAllowed = (method: string, allow: string): ViceError =>
  new ViceError('METHOD_NOT_ALLOWED', `${method} is not possible here; possible are ${allow}`);
