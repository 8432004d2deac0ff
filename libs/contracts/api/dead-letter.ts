import { ApiProperty } from '@nestjs/swagger';
import { JOB_QUEUES, type JobQueue } from '../jobs.js';
import { type Instant } from '../vocabulary.js';

/** A message that the broker gave up on. Kept for 30 days. */
export class DeadLetter {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: JOB_QUEUES, enumName: 'JobQueue', description: 'The queue that it was in' })
  queue!: JobQueue;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The job that it stands for; null where it is none' })
  jobId!: string | null;

  @ApiProperty({ type: Number, nullable: true, description: 'The attempt that it would have begun' })
  attempt!: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'The first 4 KiB of it, where it stands for no job that is known' })
  body!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'rejected', description: 'Why it is dead, as the broker says' })
  reason!: string | null;

  @ApiProperty({ type: Number, nullable: true, description: 'How often that has happened to it, as the broker says' })
  count!: number | null;

  @ApiProperty({ type: String, format: 'date-time', description: 'When it was read' })
  at!: Instant;
}
