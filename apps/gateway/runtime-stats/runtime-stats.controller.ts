import { Get } from '@nestjs/common';
import { RuntimeStats, StatsCalls } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { Operation } from '../http/operation.decorator.js';
import { V1Controller } from '../http/v1.controller.js';

@V1Controller('runtimestats')
export class RuntimeStatsController {
  constructor(private readonly calls: CallClient) {}

  @Get('runtimestats')
  @Operation('getRuntimeStats', {
    summary: 'Provide internal statistics about import/export queue length and workers',
    answers: RuntimeStats,
    problems: { 401: 'Authentication information is missing or invalid' },
  })
  getRuntimeStats(): Promise<RuntimeStats> {
    return this.calls.ask(StatsCalls.runtimeStats, {});
  }
}
