import { type ColumnOptions, type ValueTransformer } from 'typeorm';

const asNumber: ValueTransformer = {
  to: (value?: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

/** Bytes and other whole numbers that outgrow 32 bits; safe to 2^53. */
export const wholeNumber = (name: string, options: ColumnOptions = {}): ColumnOptions => ({
  name,
  type: 'bigint',
  transformer: asNumber,
  ...options,
});

/** An instant, to the millisecond. */
export const instant = (name: string, options: ColumnOptions = {}): ColumnOptions => ({
  name,
  type: 'timestamptz',
  precision: 3,
  ...options,
});

export const text = (name: string, options: ColumnOptions = {}): ColumnOptions => ({ name, type: 'text', ...options });

export const optionalText = (name: string): ColumnOptions => text(name, { nullable: true });

export const optionalId = (name: string): ColumnOptions => ({ name, type: 'uuid', nullable: true });

export const json = (name: string, options: ColumnOptions = {}): ColumnOptions => ({ name, type: 'jsonb', ...options });
