import { runService } from '#libs/messaging';
import { startExportWorker } from './start.js';

await runService('export-worker', (parts) => startExportWorker({ ...parts, listen: true }));
