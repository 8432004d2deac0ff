import { ApiProperty } from '@nestjs/swagger';

/** Pending: messages ready in the queue and jobs in hand. Worker: consumers of the queue. */
export class RuntimeStats {
  @ApiProperty()
  importsPending!: number;

  @ApiProperty()
  importWorker!: number;

  @ApiProperty()
  exportsPending!: number;

  @ApiProperty()
  exportWorker!: number;

  @ApiProperty()
  storePending!: number;

  @ApiProperty()
  storeWorker!: number;
}
