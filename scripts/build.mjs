/** npm run build: builds in any case. */
import { build } from './prepare.mjs';

await build();
