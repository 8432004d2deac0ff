import { Controller } from '@nestjs/common';
import { ToolCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { ToolsetsService } from './toolsets.service.js';

@Controller()
export class ToolsController {
  constructor(private readonly toolsets: ToolsetsService) {}

  @CallHandler(ToolCalls.toolsetsOf)
  async toolsetsOf(request: RequestOf<typeof ToolCalls.toolsetsOf>): Promise<Empty> {
    await this.toolsets.seen(request);
    return {};
  }

  @CallHandler(ToolCalls.withdrawToolsets)
  async withdrawToolsets({ worker }: RequestOf<typeof ToolCalls.withdrawToolsets>): Promise<Empty> {
    await this.toolsets.withdrawn(worker);
    return {};
  }
}
