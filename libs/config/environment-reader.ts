import { readFileSync } from 'node:fs';
import { ViceError } from '#libs/errors';

/**
 * Reads settings from environment variables and collects every fault, so that one start shows them all. Where NAME is absent, NAME_FILE may name the
 * file that holds its value, as secrets are handed to containers.
 */
export class EnvironmentReader {
  private readonly faults: string[] = [];
  private readonly fromFiles = new Map<string, string | undefined>();

  constructor(private readonly variables: Readonly<Record<string, string | undefined>>) {}

  /** A variable that is set but empty counts as absent. */
  text(name: string): string | null {
    return this.value(name)?.trim() || null;
  }

  /** A fault where there is no value; why it is needed goes into it. What was given and is wrong has its own fault. */
  require(name: string, why: string): void {
    if (this.text(name) !== null || (this.fromFiles.has(name) && this.fromFiles.get(name) === undefined)) return;
    const path = this.pathOf(name);
    this.fault(`${path === null ? `${name} is missing` : `${name}_FILE names ${path}, which is empty`}: ${why}`);
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
    const text = this.value(name);
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

  private value(name: string): string | undefined {
    const path = this.pathOf(name);
    if (path === null) return this.variables[name];
    if (!this.fromFiles.has(name)) this.fromFiles.set(name, this.contentOf(name, path));
    return this.fromFiles.get(name);
  }

  private pathOf(name: string): string | null {
    return this.variables[`${name}_FILE`]?.trim() || null;
  }

  /** undefined, and a fault, where it cannot be had. */
  private contentOf(name: string, path: string): string | undefined {
    if (this.variables[name]?.trim()) {
      this.fault(`${name} and ${name}_FILE are both set: one of them must go`);
      return undefined;
    }
    try {
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      this.fault(`${name}_FILE names ${path}, which cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}
