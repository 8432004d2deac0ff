import { type BlobStoreConfig, type ViceConfig } from '#libs/config';

/** What a person at the terminal wants to know once everything is up. `toolFaults`: what this machine lacks to convert everything, and to do so safely. */
export function welcome(url: string, config: ViceConfig, toolFaults: readonly string[]): string {
  const database = config.databaseUrl ? `PostgreSQL at ${place(config.databaseUrl)}` : `embedded PostgreSQL in ${config.dataDir}`;
  const broker = config.amqpUrl ? `RabbitMQ at ${place(config.amqpUrl)}` : 'in this process';
  const switches = [
    config.databaseUrl ? '' : '  DATABASE_URL=postgres://user:password@host:5432/vice   for a PostgreSQL of your own',
    config.amqpUrl
      ? ''
      : '  AMQP_URL=amqp://user:password@host:5672                for RabbitMQ, and workers as processes of their own',
    '  VICE_BLOB_STORE=file:/folder, VICE_DATA_DIR=/folder    for other places to keep things',
  ];
  return `
The ViCE Image Registry is up.

  API          ${url}/v1
  its pages    ${url}/docs
  database     ${database}
  broker       ${broker}
  blob store   ${blobs(config.blobStore)}

To change that, set and start again:
${switches.filter(Boolean).join('\n')}

${toolFaults.length > 0 ? toolsNotice(toolFaults) : ''}Ctrl-C stops it.
`;
}

function toolsNotice(faults: readonly string[]): string {
  return `Images are converted here, but
${faults.map((fault) => `  ${fault}`).join('\n')}

On Debian this installs what is missing:

  sudo scripts/install-tools.sh

`;
}

function blobs(store: BlobStoreConfig): string {
  if (store.kind === 'file') return `file:${store.folder}`;
  return `s3://${store.bucket}/${store.prefix}${store.endpoint ? ` at ${store.endpoint}` : ''}`;
}

/** Host, port and name of a URL: no user, no password. */
function place(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
