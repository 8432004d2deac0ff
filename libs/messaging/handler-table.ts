import { type MessageHandler } from '@nestjs/microservices';
import { ViceError } from '#libs/errors';

/** The handlers that Nest found, by name, with the service or kind that each was declared for. Exactly one for each name, or nothing starts. */
export class HandlerTable {
  private readonly found: { name: string; owner: string; handler: MessageHandler }[] = [];
  private readonly byName = new Map<string, MessageHandler>();

  constructor(private readonly what: 'call' | 'job') {}

  add(name: string, handler: MessageHandler, owner: string): void {
    this.found.push({ name, owner, handler });
    if (!this.byName.has(name)) this.byName.set(name, handler);
  }

  get(name: string): MessageHandler | undefined {
    return this.byName.get(name);
  }

  /** Raises CONFIGURATION with all that is missing, doubled or foreign. */
  check(owner: string, names: readonly string[]): void {
    const own = this.found.filter((handler) => handler.owner === owner).map((handler) => handler.name);
    const faults = [
      ...names.filter((name) => !own.includes(name)).map((name) => `${name} has no handler`),
      ...names.filter((name) => own.indexOf(name) !== own.lastIndexOf(name)).map((name) => `${name} has more than one handler`),
      ...this.found.filter((handler) => handler.owner !== owner).map(({ name, owner: other }) => `${name} belongs to ${other}`),
    ];
    if (faults.length > 0)
      throw new ViceError(
        'CONFIGURATION',
        `the ${this.what}s of ${owner} are not handled as declared: ${faults.join('; ')} (a class with handlers is listed under "controllers")`,
      );
  }
}
