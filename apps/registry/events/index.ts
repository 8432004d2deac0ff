export { EventsController } from './events.controller.js';
export { EventsService } from './events.service.js';
