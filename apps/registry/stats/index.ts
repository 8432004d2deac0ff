export { StatsController } from './stats.controller.js';
export { StatsService } from './stats.service.js';
