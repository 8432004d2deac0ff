import { ApiProperty } from '@nestjs/swagger';
import { JOB_KINDS, JOB_STATES, type Instant, type JobKind, type JobState } from '../vocabulary.js';

/** What the broker gave up on of a job's messages. */
export class DeadLetterSummary {
  @ApiProperty({ description: 'How many there were' })
  count!: number;

  @ApiProperty({ type: String, format: 'date-time' })
  lastAt!: Instant;

  @ApiProperty({ type: String, nullable: true, example: 'rejected', description: 'Why the last one is dead, as the broker says' })
  reason!: string | null;
}

export class JobError {
  @ApiProperty()
  code!: string;

  @ApiProperty()
  message!: string;
}

/** One unit of work, as its owner and administrators see it. */
export class Job {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Whose it is; null of what the service does for itself',
  })
  userid!: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  imageid!: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  deploymentid!: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The environment that it speaks to' })
  environmentId!: string | null;

  @ApiProperty({ enum: JOB_KINDS, enumName: 'JobKind' })
  kind!: JobKind;

  @ApiProperty({ example: 'import' })
  action!: string;

  @ApiProperty({ enum: JOB_STATES, enumName: 'JobState' })
  state!: JobState;

  @ApiProperty({ description: 'How many times it was begun' })
  attempt!: number;

  @ApiProperty()
  bytesDone!: number;

  @ApiProperty({ type: Number, nullable: true })
  bytesTotal!: number | null;

  @ApiProperty({
    ...{ type: 'integer', minimum: 0, maximum: 100, nullable: true },
    description:
      'How much of it is done, as a whole number; null while the total is unknown. 100 is not its end: that is its state.',
  })
  percent!: number | null;

  @ApiProperty({ description: 'While it runs; of the whole job once it ended' })
  bytesPerSecond!: number;

  @ApiProperty({ type: JobError, nullable: true, description: 'The last error, also of a job that is tried again' })
  error!: JobError | null;

  @ApiProperty({ type: DeadLetterSummary, nullable: true, description: 'null where the broker never gave up on a message of it' })
  deadLetters!: DeadLetterSummary | null;

  @ApiProperty({ type: String, required: false, description: 'What the environment printed, such as the log of a build' })
  log?: string;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Instant;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  startedAt!: Instant | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  endedAt!: Instant | null;
}
