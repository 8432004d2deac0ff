import { ApiProperty } from '@nestjs/swagger';
import { JsonField, Text } from '../field.js';
import { SUBFORMATS, type Subformat } from '../conversions.js';
import {
  CONTENT_TYPES,
  DEPLOYMENT_STATUSES,
  JOB_KINDS,
  PLAN_STEP_STATES,
  type ContentType,
  type DeploymentStatus,
  type Instant,
  type JobKind,
  type JsonObject,
  type PlanStepState,
} from '../vocabulary.js';
import { JobError } from './job.js';

/** A deployment on the way in. */
export class DeploymentInput {
  @Text({ max: 64, required: true, description: 'The image to deploy' })
  imageid!: string;

  @Text({ max: 64, required: true, description: 'The environment to deploy into' })
  environmentId!: string;

  @Text({ max: 255, description: 'The title of the image where it is absent' })
  title?: string | null;

  @JsonField({
    description:
      'Further wishes. `contenttype`: in which of the content types that the environment takes; `subformat`: of a VMDK, monolithicSparse or streamOptimized; docker: `tag`',
  })
  specifics?: JsonObject | null;
}

/** One step of a deployment: a conversion, or the export at the end. */
export class PlanStep {
  @ApiProperty({ enum: JOB_KINDS, enumName: 'JobKind' })
  kind!: JobKind;

  @ApiProperty({ example: 'convert' })
  action!: string;

  @ApiProperty({ enum: CONTENT_TYPES, enumName: 'ContentType', required: false, description: 'Of a conversion' })
  from?: ContentType;

  @ApiProperty({ enum: CONTENT_TYPES, enumName: 'ContentType', required: false, description: 'Of a conversion' })
  to?: ContentType;

  @ApiProperty({
    enum: SUBFORMATS,
    enumName: 'Subformat',
    required: false,
    description: 'Of a conversion, where one was asked for',
  })
  subformat?: Subformat;

  @ApiProperty({ type: String, required: false, example: 'disk-raw-to-disk-qcow2/1', description: 'Of a conversion' })
  recipe?: string;

  @ApiProperty({ enum: CONTENT_TYPES, enumName: 'ContentType', required: false, description: 'What is exported' })
  contenttype?: ContentType;

  @ApiProperty({ enum: PLAN_STEP_STATES, enumName: 'PlanStepState', description: 'That of its job; planned while there is none' })
  state!: PlanStepState;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'Null until the step before has succeeded' })
  jobId!: string | null;

  @ApiProperty({ type: JobError, nullable: true })
  error!: JobError | null;
}

/** A deployment on the way out. */
export class Deployment {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ format: 'uuid' })
  userid!: string;

  @ApiProperty({ type: String, nullable: true })
  title!: string | null;

  @ApiProperty({ format: 'uuid' })
  imageid!: string;

  @ApiProperty({ format: 'uuid' })
  environmentId!: string;

  @ApiProperty({ type: String, nullable: true, description: 'The id in the environment, once deployed' })
  environmentReference!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  specifics!: JsonObject;

  @ApiProperty({ enum: DEPLOYMENT_STATUSES, enumName: 'DeploymentStatus' })
  status!: DeploymentStatus;

  @ApiProperty({ type: [PlanStep], description: 'The conversions, and the export' })
  plan!: PlanStep[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'What the environment says it holds' })
  receipt!: JsonObject | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Instant;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt!: Instant;
}
