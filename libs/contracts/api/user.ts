import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { Text } from '../field.js';

/** A user on the way in: the only place where a login password appears. */
export class NewUser {
  @Text({ max: 128, required: true, example: 'ada' })
  @Matches(/^[^:]*$/, { message: 'must not contain a colon: HTTP Basic could not carry it' })
  username!: string;

  @Text({ max: 1024, required: true, format: 'password', writeOnly: true })
  password!: string;

  @Text({ max: 320, example: 'ada@example.org' })
  email?: string | null;

  @Text({ max: 255, example: 'Ada Lovelace' })
  fullname?: string | null;
}

/** A user on the way out. */
export class User {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  username!: string;

  @ApiProperty({ type: String, nullable: true })
  email!: string | null;

  @ApiProperty({ type: String, nullable: true })
  fullname!: string | null;

  @ApiProperty({ description: 'Whether they see the jobs of all users, and may run failed ones again' })
  administrator!: boolean;
}
