import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ToolCalls, TOOLSETS_SECONDS, type Ask, type Toolset } from '#libs/contracts';
import { type Logger } from '#libs/observability';

/** How long an end waits for the registry. */
const WITHDRAWAL_MS = 1_000;

/** Looks what is there to convert with: one entry for each toolset, complete where nothing is missing. */
export type AvailableToolsets = () => Promise<{ toolset: Toolset; missing: string[] }[]>;

/** Tells the registry, again and again, what this worker can convert with: tools may be installed while it runs. */
export class ToolsetReports implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer?: NodeJS.Timeout;
  private telling: Promise<void> | null = null;

  constructor(
    private readonly ask: Ask,
    private readonly worker: string,
    private readonly availableToolsets: AvailableToolsets,
    private readonly logger: Logger,
    private readonly intervalMs = TOOLSETS_SECONDS * 1000,
  ) {}

  onApplicationBootstrap(): void {
    this.tell();
    this.timer = setInterval(() => this.tell(), this.intervalMs);
  }

  /** Takes its word back. Does not wait long for an answer, as there may be none any more: then the registry forgets it in time. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    const time = new AbortController();
    await Promise.race([this.withdrawn(), pause(WITHDRAWAL_MS, undefined, { signal: time.signal }).catch(() => undefined)]);
    time.abort();
  }

  /** After what is being told, which would be heard last otherwise. */
  private async withdrawn(): Promise<void> {
    try {
      await this.telling;
      await this.ask(ToolCalls.withdrawToolsets, { worker: this.worker });
    } catch (error) {
      this.logger.debug({ err: error }, 'the registry does not hear that this worker converts nothing any more');
    }
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
