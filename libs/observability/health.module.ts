import { Controller, Get, HttpCode, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

/** Each resolves while its part works, and rejects with the reason when it does not; with `Degraded` where the service can do without. */
export type HealthChecks = Readonly<Record<string, () => Promise<void>>>;

/** The part does less than it could, and the service is ready all the same. */
export class Degraded extends Error {}

interface PartState {
  status: 'up' | 'degraded' | 'down';
  reason?: string;
}

const HEALTH_CHECKS = Symbol('HEALTH_CHECKS');
const PATIENCE_MS = 3000;

interface Reply {
  status(code: number): unknown;
}

/** `/health/live`: the process answers. `/health/ready`: everything it needs answers too, else 503 that names what does not; what it can do without is named. */
@ApiExcludeController()
@Controller('health')
class HealthController {
  constructor(@Inject(HEALTH_CHECKS) private readonly checks: HealthChecks) {}

  @Get('live')
  @HttpCode(200)
  live() {
    return { status: 'up' };
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: Reply) {
    const parts = await Promise.all(
      Object.entries(this.checks).map(async ([name, check]) => [name, await state(check)] as const),
    );
    const up = parts.every(([, { status }]) => status !== 'down');
    reply.status(up ? 200 : 503);
    return { status: up ? 'up' : 'down', parts: Object.fromEntries(parts) };
  }
}

async function state(check: () => Promise<void>): Promise<PartState> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { status: 'up' };
  } catch (error) {
    return {
      status: error instanceof Degraded ? 'degraded' : 'down',
      reason: error instanceof Error ? error.message : String(error),
    };
  } finally {
    clearTimeout(timer);
  }
}

@Module({})
export class HealthModule {
  static register(checks: HealthChecks): DynamicModule {
    return { module: HealthModule, controllers: [HealthController], providers: [{ provide: HEALTH_CHECKS, useValue: checks }] };
  }
}
