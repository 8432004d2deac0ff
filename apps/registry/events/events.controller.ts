import { Controller } from '@nestjs/common';
import { EventCalls, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { EventsService } from './events.service.js';

@Controller()
export class EventsController {
  constructor(private readonly events: EventsService) {}

  @CallHandler(EventCalls.eventsSince)
  eventsSince(request: RequestOf<typeof EventCalls.eventsSince>) {
    return this.events.since(request);
  }
}
