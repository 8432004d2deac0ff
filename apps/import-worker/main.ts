import { runService } from '#libs/messaging';
import { startImportWorker } from './start.js';

await runService('import-worker', (parts) => startImportWorker({ ...parts, listen: true }));
