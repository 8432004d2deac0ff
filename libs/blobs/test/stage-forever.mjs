// Stages bytes under a writer's name until it is killed: node stage-forever.mjs <configuration as JSON> <writer>. Runs the built store.
import { BlobLedger, createBlobStore } from '../../../dist/libs/blobs/index.js';

const [config, writer] = process.argv.slice(2);
const store = createBlobStore(JSON.parse(config), new BlobLedger(async () => ({})));
const staged = await store.stage({ writer });
const bytes = Buffer.alloc(64 * 1024, 'vice');
for (;;) await new Promise((resolve) => staged.write(bytes, resolve));
