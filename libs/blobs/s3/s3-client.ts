import { S3Client } from '@aws-sdk/client-s3';
import { type S3StoreConfig } from '#libs/config';

/** Sockets to the store at once: beyond, requests wait. */
const SOCKETS = 128;

/**
 * A client that knows what the configuration says, and nothing from the files and variables that Amazon's tools look into.
 * `endpoint`: another than the store's own.
 */
export function s3Client(config: S3StoreConfig, endpoint: string | null = config.endpoint): S3Client {
  const { region, pathStyle, accessKeyId, secretAccessKey } = config;
  return new S3Client({
    region,
    ...(endpoint !== null && { endpoint }),
    forcePathStyle: pathStyle,
    credentials: { accessKeyId, secretAccessKey },
    // Trailing checksums, the client's default, are refused by servers older than these. The signature covers the bytes of each request.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    useArnRegion: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    defaultsMode: 'standard',
    userAgentAppId: 'vice',
    maxAttempts: 5,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: 5_000,
      // of silence: a copy within the store may take its time
      socketTimeout: 120_000,
      httpAgent: { maxSockets: SOCKETS, keepAlive: true },
      httpsAgent: { maxSockets: SOCKETS, keepAlive: true },
    },
  });
}
