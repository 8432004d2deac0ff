import { type DynamicModule, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CustomTransportStrategy } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type ViceConfig } from '#libs/config';
import { ViceNestLogger, type Logger } from '#libs/observability';
import { type Closable } from './service-process.js';

export interface NestServiceOptions {
  config: ViceConfig;
  logger: Logger;
  /** Whether to answer /health and /metrics on the configured port. */
  listen: boolean;
}

/**
 * A service that works through the broker: its module, with a transport strategy for each way in. Closing it lets what runs come to its end, and until
 * then it answers /health and /metrics.
 */
export async function startNestService(
  module: DynamicModule,
  strategies: readonly CustomTransportStrategy[],
  { config, logger, listen }: NestServiceOptions,
): Promise<Closable> {
  const withEnd = { ...module, providers: [...(module.providers ?? []), endOf(strategies)] };
  const app = await NestFactory.create<NestFastifyApplication>(withEnd, new FastifyAdapter(), {
    logger: new ViceNestLogger(logger),
  });
  for (const strategy of strategies) app.connectMicroservice({ strategy });
  // The modules first: what comes in finds a service that is ready for it.
  await app.init();
  await app.startAllMicroservices();
  if (listen) await app.listen(config.port, config.host);
  return { close: () => app.close() };
}

/** Nest closes HTTP and the ways in at once, but only when all hooks have ended: so the ways in end in one. */
const endOf = (strategies: readonly CustomTransportStrategy[]): Provider => ({
  provide: Symbol('end of the ways in'),
  useValue: {
    beforeApplicationShutdown: async () => {
      await Promise.all(strategies.map(async (strategy) => strategy.close() as unknown));
    },
  },
});
