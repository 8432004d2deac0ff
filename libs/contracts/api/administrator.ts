import { ApiProperty } from '@nestjs/swagger';

/** A user who sees the jobs of all, and may run failed ones again. */
export class Administrator {
  @ApiProperty({ format: 'uuid' })
  userid!: string;

  @ApiProperty()
  username!: string;

  @ApiProperty({ description: 'Whether the setting VICE_ADMIN_USERNAME names them: then nobody can withdraw it' })
  bySetting!: boolean;
}
