import { Module } from '@nestjs/common';
import { type ViceConfig } from '#libs/config';
import { HealthModule, MetricsModule, type Logger, type Metrics } from '#libs/observability';
import { startNestService } from './nest-service.js';

/** What comes sooner is not worth a server. */
const SOON_MS = 1000;

interface Meanwhile {
  config: ViceConfig;
  logger: Logger;
  metrics: Metrics;
}

@Module({})
class WaitingModule {}

/** What a service that starts waits for. While that lasts, it answers /health: live, and not ready for want of `part`; and /metrics. */
export async function healthMeanwhile<T>(part: string, awaited: Promise<T>, { config, logger, metrics }: Meanwhile): Promise<T> {
  if (await isSoon(awaited)) return awaited;
  const refuse = async () => {
    throw new Error('the service is starting, and has not been answered yet');
  };
  const module = {
    module: WaitingModule,
    imports: [MetricsModule.register(metrics), HealthModule.register({ [part]: refuse })],
  };
  const health = await startNestService(module, [], { config, logger, listen: true });
  try {
    return await awaited;
  } finally {
    await health.close();
  }
}

/** Whether it is settled within a moment, well or not. */
async function isSoon(awaited: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const settled = awaited.then(
    () => true,
    () => true,
  );
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), SOON_MS)));
  return Promise.race([settled, late]).finally(() => clearTimeout(timer));
}
