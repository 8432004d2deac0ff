import { ViceError } from '#libs/errors';

/** Reads settings from environment variables and collects every fault, so that one start shows them all. */
export class EnvironmentReader {
  private readonly faults: string[] = [];

  constructor(private readonly variables: Readonly<Record<string, string | undefined>>) {}

  /** A variable that is set but empty counts as absent. */
  text(name: string): string | null {
    return this.variables[name]?.trim() || null;
  }

  wholeNumber(name: string, fallback: number, bounds: { min: number; max: number }): number {
    const text = this.text(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= bounds.min && value <= bounds.max) return value;
    this.fault(`${name} must be a whole number from ${bounds.min} to ${bounds.max}, and is "${text}"`);
    return fallback;
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const text = this.text(name);
    if (text === null) return fallback;
    if ((values as readonly string[]).includes(text)) return text as T;
    this.fault(`${name} must be one of ${values.join(', ')}, and is "${text}"`);
    return fallback;
  }

  /** A URL of one of the schemes. It may hold a password, so a fault does not repeat it. */
  url(name: string, schemes: readonly string[]): string | null {
    const text = this.text(name);
    if (text === null) return null;
    if (URL.canParse(text) && schemes.includes(new URL(text).protocol)) return text;
    this.fault(`${name} must be a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`);
    return null;
  }

  list(name: string, fallback: readonly string[]): string[] {
    const text = this.variables[name];
    if (text === undefined) return [...fallback];
    return text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
  }

  fault(message: string): void {
    this.faults.push(message);
  }

  /** Raises CONFIGURATION with every fault found so far. */
  finish(): void {
    if (this.faults.length === 0) return;
    throw new ViceError('CONFIGURATION', `the configuration is wrong:\n${this.faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}
