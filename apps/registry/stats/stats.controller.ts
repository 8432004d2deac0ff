import { Controller } from '@nestjs/common';
import { StatsCalls } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { StatsService } from './stats.service.js';

@Controller()
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  @CallHandler(StatsCalls.runtimeStats)
  runtimeStats() {
    return this.stats.runtime();
  }
}
