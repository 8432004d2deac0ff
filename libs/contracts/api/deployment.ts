import { ApiProperty } from '@nestjs/swagger';
import { JsonField, Text } from '../field.js';
import { DEPLOYMENT_STATUSES, type DeploymentStatus, type Instant, type JsonObject } from '../vocabulary.js';

/** A deployment on the way in. */
export class DeploymentInput {
  @Text({ max: 64, required: true, description: 'The image to deploy' })
  imageid!: string;

  @Text({ max: 64, required: true, description: 'The environment to deploy into' })
  environmentId!: string;

  @Text({ max: 255, description: 'The title of the image where it is absent' })
  title?: string | null;

  @JsonField({ description: 'Further wishes by software; docker: `tag`' })
  specifics?: JsonObject | null;
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

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'What the environment says it holds' })
  receipt!: JsonObject | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Instant;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt!: Instant;
}
