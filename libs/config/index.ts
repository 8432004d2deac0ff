export { APPS, loadConfig, VICE_CONFIG, type AppName, type ViceConfig } from './vice.config.js';
export { loadMigrateConfig, type MigrateConfig } from './migrate.config.js';
