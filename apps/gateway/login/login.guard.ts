import { createParamDecorator, Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { keepFromLogs } from '#libs/observability';
import { type GatewayRequest } from '../http/request.js';
import { Authenticator } from './authenticator.js';
import { basicCredentials, unauthenticated } from './basic-credentials.js';

type LoginNeed = 'required' | 'optional' | 'ignored';

const LOGIN_NEED = 'vice:login-need';

/** No login is looked at. */
export const Public = () => SetMetadata(LOGIN_NEED, 'ignored' satisfies LoginNeed);
/** Anonymous requests are taken too; a wrong login is refused all the same. */
export const OptionalLogin = () => SetMetadata(LOGIN_NEED, 'optional' satisfies LoginNeed);

/** The id of the user who logged in. */
export const UserId = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const { user } = context.switchToHttp().getRequest<GatewayRequest>();
  if (!user) throw unauthenticated('log in with HTTP Basic');
  return user.id;
});

/** The id of the user who logged in, null where nobody did. */
export const UserIdOrNull = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | null => context.switchToHttp().getRequest<GatewayRequest>().user?.id ?? null,
);

/** Asks for a login on every route that does not say otherwise. */
@Injectable()
export class LoginGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const need = this.reflector.get<LoginNeed | undefined>(LOGIN_NEED, context.getHandler()) ?? 'required';
    if (need === 'ignored') return true;
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const credentials = basicCredentials(authorization);
      keepFromLogs([credentials.password]);
      request.user = await this.authenticator.authenticate(credentials);
    } else if (need === 'required') throw unauthenticated('log in with HTTP Basic');
    return true;
  }
}
