import { Controller } from '@nestjs/common';
import { EnvironmentCalls, RemoteCalls, type EnvironmentCheck, type RemoteImageListing, type RequestOf } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { CallClient, CallHandler, type CallContext } from '#libs/messaging';
import { openAccess, Providers, type EnvironmentSession } from '#libs/providers';
import { SecretBox } from '#libs/secrets';

/** Answers what users ask about their environments, beside the jobs. */
@Controller()
export class EnvironmentsController {
  constructor(
    private readonly providers: Providers,
    private readonly box: SecretBox,
    private readonly calls: CallClient,
  ) {}

  /** An environment that does not answer is an answer, not an error of ours. */
  @CallHandler(RemoteCalls.checkEnvironment)
  async check(request: RequestOf<typeof RemoteCalls.checkEnvironment>, context: CallContext): Promise<EnvironmentCheck> {
    const access = openAccess(await this.calls.ask(EnvironmentCalls.openEnvironment, request), this.box);
    const signal = untilShortlyBefore(context.deadline);
    try {
      await using session = await this.providers.connect(access, signal);
      return { ok: true, ...(await session.check()) };
    } catch (error) {
      if (signal.aborted) return { ok: false, message: LATE };
      if (error instanceof ViceError && error.code !== 'INTERNAL') return { ok: false, message: error.message };
      throw error;
    }
  }

  @CallHandler(RemoteCalls.listRemoteImages)
  async list(
    { page, ...request }: RequestOf<typeof RemoteCalls.listRemoteImages>,
    context: CallContext,
  ): Promise<RemoteImageListing> {
    const access = openAccess(await this.calls.ask(EnvironmentCalls.openEnvironment, request), this.box);
    const signal = untilShortlyBefore(context.deadline);
    try {
      await using session: EnvironmentSession = await this.providers.connect(access, signal);
      return await session.list(page);
    } catch (error) {
      if (signal.aborted) throw new ViceError('ENVIRONMENT_UNREACHABLE', LATE, { cause: error });
      throw error;
    }
  }
}

const LATE = 'the environment did not answer in time';

/** Leaves time for the answer to arrive before the caller gives up. */
const untilShortlyBefore = (deadline: number): AbortSignal => AbortSignal.timeout(Math.max(0, deadline - Date.now() - 1000));
