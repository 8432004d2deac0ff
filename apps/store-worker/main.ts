import { runService } from '#libs/messaging';
import { startStoreWorker } from './start.js';

await runService('store-worker', (parts) => startStoreWorker({ ...parts, listen: true }));
