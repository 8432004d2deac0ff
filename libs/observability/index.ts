export { Degraded, HealthModule, type HealthChecks } from './health.module.js';
export { createLogger, type Logger } from './logger.js';
export { ViceNestLogger } from './nest-logger.js';
