export { ADVISORY_LOCKS } from './advisory-locks.js';
export { Database, rowsOf, Transaction } from './database.js';
export { connectDatabase, migrateDatabase, openDatabase } from './data-source.js';
export { notLetIn } from './not-let-in.js';
export { explained, isOutage } from './outage.js';
export * from './entities/index.js';
export { missingMigrations } from './schema.js';
