export { APPS, loadConfig, VICE_CONFIG, type AppName, type ViceConfig } from './vice.config.js';
