import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Expose, plainToInstance, Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateBy,
  ValidateNested,
  type ValidateByOptions,
} from 'class-validator';
import { isStorableJson } from './storable-json.js';

/** Decorators for fields of a request: validation, transformation and OpenAPI in one. `null` is taken wherever a field is optional: it clears. */

interface FieldOptions {
  description?: string;
  required?: boolean;
}

const presence = ({ required }: FieldOptions) => (required ? [] : [IsOptional()]);
const documentation = ({ description, required = false }: FieldOptions) => ({ description, required, nullable: !required });

/**
 * A field taken as it came, but for what `read` makes of it. Otherwise class-transformer walks into whatever a client put there, and takes its
 * `constructor` for a class; a field that is said to be a Boolean it does not enter, and the value itself is still there in the source.
 */
const asSent = (read: (value: unknown) => unknown = (value) => value) =>
  applyDecorators(
    Expose(),
    Type(() => Boolean),
    Transform(({ obj, key }) => read((obj as Record<string, unknown>)[key])),
  );

/** An id of an element that may exist, unchecked: one that is malformed names nothing, which is another answer than invalid input. */
export function IdAsSent(description: string): PropertyDecorator {
  return applyDecorators(asSent(), ApiProperty({ type: String, required: false, format: 'uuid', description }));
}

// Tabs and line breaks are text; other control characters, and half a surrogate pair, are not storable everywhere.
const PLAIN_TEXT = /^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u;

/** Text of at most `max` characters, without control characters. */
export function Text(
  options: FieldOptions & { max: number; example?: string; format?: string; writeOnly?: boolean },
): PropertyDecorator {
  const { max, example, format, writeOnly, required } = options;
  return applyDecorators(
    asSent(),
    ...presence(options),
    IsString({ message: 'must be text' }),
    ...(required ? [IsNotEmpty({ message: 'must not be empty' })] : []),
    MaxLength(max, { message: `must have at most ${max} characters` }),
    Matches(PLAIN_TEXT, { message: 'must not contain control characters' }),
    ApiProperty({ type: String, maxLength: max, example, format, writeOnly, ...documentation(options) }),
  );
}

/** One word of a closed set. */
export function Choice(values: readonly string[], options: FieldOptions & { name: string }): PropertyDecorator {
  return applyDecorators(
    asSent(),
    ...presence(options),
    IsIn([...values], { message: `must be one of ${values.join(', ')}` }),
    ApiProperty({ enum: [...values], enumName: options.name, ...documentation(options) }),
  );
}

const STORABLE: ValidateByOptions = {
  name: 'isStorableJson',
  validator: {
    validate: (value) => isStorableJson(value),
    defaultMessage: () =>
      'must not hold NUL characters, broken Unicode, numbers out of range or a key __proto__, nor be nested deeper than 64 levels',
  },
};

/** A JSON object; text that holds one is taken too, as the first clients sent it. */
export function JsonField(options: Omit<FieldOptions, 'required'> = {}): PropertyDecorator {
  return applyDecorators(
    asSent((value) => (typeof value === 'string' ? parsed(value) : value)),
    IsOptional(),
    IsObject({ message: 'must be a JSON object, or text that holds one' }),
    ValidateBy(STORABLE),
    ApiProperty({
      type: 'object',
      additionalProperties: true,
      description: options.description,
      nullable: true,
      selfRequired: false,
    }),
  );
}

/** An object of another class. */
export function Nested(type: () => new () => object, options: FieldOptions = {}): PropertyDecorator {
  return applyDecorators(
    Expose(),
    ...presence(options),
    IsObject({ message: 'must be an object' }),
    ValidateNested(),
    Type(type),
    // Swagger takes a function for a class unless its name is `type`.
    ApiProperty({ type: () => type(), ...documentation(options) }),
  );
}

/** A list of short texts. Doubles are dropped. */
export function TextList(options: FieldOptions & { maxItems: number; max: number }): PropertyDecorator {
  const { maxItems, max } = options;
  return applyDecorators(
    asSent((value) => (Array.isArray(value) ? [...new Set(value)] : value)),
    ...presence(options),
    IsArray({ message: 'must be a list' }),
    ArrayMaxSize(maxItems, { message: `must have at most ${maxItems} entries` }),
    IsString({ each: true, message: 'each entry must be text' }),
    IsNotEmpty({ each: true, message: 'no entry may be empty' }),
    MaxLength(max, { each: true, message: `each entry must have at most ${max} characters` }),
    Matches(PLAIN_TEXT, { each: true, message: 'no entry may contain control characters' }),
    ApiProperty({ type: [String], maxItems, ...documentation(options) }),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // left as it is: the validation after this says what is wrong
  }
}

/** A plain body as an instance of its class, ready for class-validator. Fields that the class does not have are left out. */
export function instanceOf<T extends object>(type: new () => T, body: object): T {
  return plainToInstance(type, body, { exposeUnsetFields: false, excludeExtraneousValues: true });
}
