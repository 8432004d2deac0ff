import { loadConfig } from '#libs/config';
import { runUntilSignal } from '#libs/messaging';
import { toolFaults } from '../store-worker/tools-check.js';
import { startStandalone } from './standalone.js';
import { welcome } from './welcome.js';

await runUntilSignal(async () => {
  const config = loadConfig('standalone');
  const vice = await startStandalone(config);
  // Standard output is for log lines, unless a person reads it.
  const out = process.stdout.isTTY ? process.stdout : process.stderr;
  out.write(welcome(vice.url, config, await toolFaults()));
  return vice;
});
