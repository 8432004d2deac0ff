/**
 * A process that holds an embedded PostgreSQL, for tests that kill it: hold-postgres.mjs EMBEDDED-POSTGRES.JS DATA-FOLDER
 * Prints one line of JSON: { databaseUrl } or { code, message }. Ends in good order at SIGINT and SIGTERM, half a second late, as if it had work to finish.
 */
import { pathToFileURL } from 'node:url';

const [module, dataDir] = process.argv.slice(2);
const { EmbeddedPostgres } = await import(pathToFileURL(module).href);
try {
  const postgres = await EmbeddedPostgres.start({ dataDir, onUnexpectedEnd: () => process.exit(7) });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => setTimeout(() => postgres.stop().then(() => process.exit(0)), 500));
  }
  console.log(JSON.stringify({ databaseUrl: postgres.databaseUrl }));
  setInterval(() => undefined, 60_000);
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
  process.exitCode = 1;
}
