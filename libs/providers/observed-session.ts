import { tracedMethods, withoutSecretsInHand, type SpanStep } from '#libs/observability';
import {
  type EnvironmentAccess,
  type EnvironmentSession,
  type PreparingSession,
  type ResumableSession,
} from './environment-provider.js';
import { isOperation, OPERATIONS } from './session-operations.js';

type AnySession = EnvironmentSession & Partial<ResumableSession & PreparingSession>;

/** The session, with a span for each operation; what an environment says when it refuses one is passed on without the secrets that it was told. */
export function observedSession(session: EnvironmentSession, software: string, { id }: EnvironmentAccess): EnvironmentSession {
  const steps = OPERATIONS.map((operation): [string, SpanStep] => [
    operation,
    [
      `${software} ${operation}`,
      { kind: 'client', attributes: { 'vice.software': software, 'vice.operation': operation, 'vice.environment.id': id } },
    ],
  ]);
  return tracedMethods<AnySession>(discreetSession(session), Object.fromEntries(steps));
}

function discreetSession(session: EnvironmentSession): EnvironmentSession {
  return new Proxy(session, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const operation = member.bind(target) as (...args: unknown[]) => unknown;
      return isOperation(name) ? (...args: unknown[]) => discreetly(async () => operation(...args)) : operation;
    },
  });
}

async function discreetly<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error) error.message = withoutSecretsInHand(error.message);
    throw error;
  }
}
