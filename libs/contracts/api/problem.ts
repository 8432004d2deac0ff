import { ApiProperty } from '@nestjs/swagger';

export class ProblemField {
  @ApiProperty({ example: 'credentials.location' })
  field!: string;

  @ApiProperty({ example: 'must be text' })
  message!: string;
}

/** Every error answer: RFC 9457, `application/problem+json`. */
export class Problem {
  @ApiProperty({ example: 'about:blank' })
  type!: string;

  @ApiProperty({ example: 'Invalid input' })
  title!: string;

  @ApiProperty({ example: 405 })
  status!: number;

  @ApiProperty({ example: 'title: must be text' })
  detail!: string;

  @ApiProperty({ example: 'INVALID_INPUT', description: 'Stable; one of the codes of this service' })
  code!: string;

  @ApiProperty({ type: [ProblemField], required: false })
  fields?: ProblemField[];
}
