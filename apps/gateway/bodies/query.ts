import { ViceError, type FieldFault } from '#libs/errors';

export type QueryParameters = Readonly<Record<string, string | string[] | undefined>>;

const CONTROL_CHARACTER = /[\p{Cc}\p{Cs}]/u;
const MAX_CHARACTERS = 1000;

/** Reads the parameters of a query one by one; `finish` raises INVALID_QUERY that names all that were wrong. Others are ignored. */
export class QueryReader {
  private readonly faults: FieldFault[] = [];

  constructor(private readonly query: QueryParameters) {}

  /** undefined: absent or empty. */
  text(name: string): string | undefined {
    const value = this.query[name];
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') return this.fault(name, 'must be given once');
    if (value.length > MAX_CHARACTERS) return this.fault(name, `must have at most ${MAX_CHARACTERS} characters`);
    if (CONTROL_CHARACTER.test(value)) return this.fault(name, 'must not contain control characters');
    return value;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return words.find((word) => word === value) ?? this.fault(name, `must be one of ${words.join(', ')}`);
  }

  wholeNumber(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : this.fault(name, `must be a whole number from ${min} to ${max}`);
  }

  /** @param words what it must be, for the one who gave something else */
  matching(name: string, pattern: RegExp, words: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || pattern.test(value)) return value;
    return this.fault(name, `must be ${words}`);
  }

  finish(): void {
    const fields = this.faults;
    if (fields.length === 0) return;
    throw new ViceError('INVALID_QUERY', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), { fields });
  }

  isAtFault(name: string): boolean {
    return this.faults.some(({ field }) => field === name);
  }

  /** Says what is wrong where only several parameters together tell. */
  fault(field: string, message: string): undefined {
    this.faults.push({ field, message });
    return undefined;
  }
}
