import { Get, Req, Res } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { ViceError } from '#libs/errors';
import { bestOf } from '../bodies/accept.js';
import { Operation } from '../http/operation.decorator.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { UserId } from '../login/login.guard.js';
import { EventStreams } from './event-streams.service.js';

const EVENT_STREAM = 'text/event-stream';

@V1Controller('events')
export class EventsController {
  constructor(private readonly streams: EventStreams) {}

  @Get('events')
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Where a former stream ended; without it, from now on' })
  @Operation('streamEvents', {
    summary: 'Stream the changes of the user’s images, deployments and jobs',
    description: 'Server-sent events; `event` is image, image-deleted, deployment, deployment-deleted or job, `data` its JSON.',
    answers: 'events',
    problems: {
      400: 'Last-Event-ID is none of ours',
      401: 'Authentication information is missing or invalid',
      406: 'Not acceptable',
    },
  })
  async streamEvents(@UserId() userId: string, @Req() request: GatewayRequest, @Res() reply: GatewayReply): Promise<void> {
    if (!bestOf(request.headers.accept, [EVENT_STREAM])) {
      throw new ViceError('NOT_ACCEPTABLE', `this can be answered as ${EVENT_STREAM}`);
    }
    const after = lastEventId(request.headers['last-event-id']);
    if (request.method === 'HEAD') {
      reply.type(EVENT_STREAM).send();
      return;
    }
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
    await this.streams.open(userId, after, reply.raw);
    reply.hijack();
  }
}

function lastEventId(header: string | string[] | undefined): string | null {
  if (header === undefined || header === '') return null;
  if (typeof header === 'string' && /^\d{1,19}$/.test(header)) return header;
  const fields = [{ field: 'Last-Event-ID', message: 'must be the id of an event' }];
  throw new ViceError('INVALID_QUERY', 'Last-Event-ID: must be the id of an event', { fields });
}
