export { type BlobStoreConfig, type FolderStoreConfig, type S3StoreConfig } from './blob-store.config.js';
export { DirectoryLock } from './directory-lock.js';
export { APPS, loadConfig, VICE_CONFIG, type AppName, type ViceConfig } from './vice.config.js';
export { loadMigrateConfig, type MigrateConfig } from './migrate.config.js';
export { refuseArguments } from './no-arguments.js';
export { loadRotateConfig, type RotateConfig } from './rotate.config.js';
