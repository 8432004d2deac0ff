import { runService } from '#libs/messaging';
import { startRegistry } from './start.js';

await runService('registry', (parts) => startRegistry({ ...parts, databaseUrl: parts.config.databaseUrl ?? '', listen: true }));
