// Stages bytes under a writer's name until it is killed: node stage-forever.mjs <root> <writer>. Runs the built store.
import { BlobLedger, createBlobStore } from '../../../dist/libs/blobs/index.js';

const [root, writer] = process.argv.slice(2);
const store = createBlobStore({ kind: 'file', folder: root }, new BlobLedger(async () => ({})));
const staged = await store.stage({ writer });
const bytes = Buffer.alloc(64 * 1024, 'vice');
for (;;) await new Promise((resolve) => staged.write(bytes, resolve));
