export { EndingsService } from './endings.service.js';
export { JobsService } from './jobs.service.js';
