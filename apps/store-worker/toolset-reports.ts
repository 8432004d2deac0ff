import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ToolCalls, TOOLSETS_SECONDS, type Ask, type Toolset } from '#libs/contracts';
import { type Logger } from '#libs/observability';

/** Looks what is there to convert with: one entry for each toolset, complete where nothing is missing. */
export type AvailableToolsets = () => Promise<{ toolset: Toolset; missing: string[] }[]>;

/** Tells the registry, again and again, what this worker can convert with: tools may be installed while it runs. */
export class ToolsetReports implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  private timer?: NodeJS.Timeout;
  private telling: Promise<void> | null = null;

  constructor(
    private readonly ask: Ask,
    private readonly availableToolsets: AvailableToolsets,
    private readonly logger: Logger,
    private readonly intervalMs = TOOLSETS_SECONDS * 1000,
  ) {}

  onApplicationBootstrap(): void {
    this.tell();
    this.timer = setInterval(() => this.tell(), this.intervalMs);
  }

  /** Does not wait for an answer: there may be none any more. */
  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private tell(): void {
    this.telling ??= this.told()
      .catch((error: unknown) =>
        this.logger.warn({ err: error }, 'the registry does not hear what there is to convert with; it is told again'),
      )
      .finally(() => (this.telling = null));
  }

  private async told(): Promise<void> {
    const found = await this.availableToolsets();
    const toolsets = found.filter(({ missing }) => missing.length === 0).map(({ toolset }) => toolset);
    const missing = [...new Set(found.flatMap((one) => one.missing))];
    await this.ask(ToolCalls.toolsetsOf, { worker: this.worker, toolsets, missing });
  }
}
