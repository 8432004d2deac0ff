import { Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ViceError } from '#libs/errors';
import { bestOf } from '../bodies/accept.js';
import { type XmlModelName } from '../bodies/xml-models.js';
import { writeXml } from '../bodies/xml.writer.js';
import { type GatewayReply, type GatewayRequest } from './request.js';

const ANSWER_MODEL = 'vice:answer-model';

/** What the answers of a route hold, for their form as XML. */
export const AnswerModel = (model: XmlModelName) => SetMetadata(ANSWER_MODEL, model);

export const ANSWER_TYPES = ['application/json', 'application/xml', 'text/xml'] as const;

/** Decides between JSON and XML before anything is done: what cannot be answered is not begun. */
@Injectable()
export class AnswerGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const model = this.reflector.get<XmlModelName | undefined>(ANSWER_MODEL, context.getHandler());
    if (model === undefined) return true;
    const reply = context.switchToHttp().getResponse<GatewayReply>();
    const { accept } = context.switchToHttp().getRequest<GatewayRequest>().headers;
    const type = bestOf(accept, ANSWER_TYPES);
    if (!type) throw new ViceError('NOT_ACCEPTABLE', `this can be answered as ${ANSWER_TYPES.join(', ')}`);
    reply.header('vary', 'Accept');
    if (type !== 'application/json') {
      reply.type(`${type}; charset=utf-8`).serializer((answer: unknown) => writeXml(model, answer));
    }
    return true;
  }
}
