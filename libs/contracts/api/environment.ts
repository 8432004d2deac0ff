import { ApiProperty } from '@nestjs/swagger';
import { Choice, IdAsSent, JsonField, Nested, Text } from '../field.js';
import {
  MANAGEMENT_LAYER_TYPES,
  RUNTIME_TECHNOLOGY_TYPES,
  type Instant,
  type JsonObject,
  type ManagementLayerType,
  type RuntimeTechnologyType,
} from '../vocabulary.js';

export class ManagementLayer {
  @Choice(MANAGEMENT_LAYER_TYPES, { name: 'ManagementLayerType' })
  type?: ManagementLayerType | null;

  @Text({ max: 255, example: 'docker', description: 'Free text; names the provider: openstack, docker or bwlehrpool' })
  software?: string | null;

  @Text({ max: 255, example: '26.1' })
  version?: string | null;
}

export class RuntimeTechnology {
  @Choice(RUNTIME_TECHNOLOGY_TYPES, { name: 'RuntimeTechnologyType' })
  type?: RuntimeTechnologyType | null;

  @Text({ max: 255, example: 'runc' })
  software?: string | null;

  @Text({ max: 255 })
  version?: string | null;
}

/** Credentials on the way in. */
export class CredentialsInput {
  @Text({
    max: 2048,
    example: 'tcp://engine.example.org:2376',
    description: 'Where the environment is; what it may be depends on the software',
  })
  location?: string | null;

  @Text({ max: 255 })
  username?: string | null;

  @Text({ max: 4096, format: 'password', writeOnly: true })
  password?: string | null;

  @JsonField({ description: 'Further settings by software. Keys that hold secrets go in and never come out' })
  specifics?: JsonObject | null;
}

/** Credentials on the way out: no password, no secret of `specifics`. */
export class Credentials {
  @ApiProperty({ type: String, nullable: true })
  location!: string | null;

  @ApiProperty({ type: String, nullable: true })
  username!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  specifics!: JsonObject;
}

/** An environment on the way in. `id` matters in a PUT and in an image's `originEnvironment`; elsewhere it is ignored. */
export class EnvironmentInput {
  @IdAsSent('Ignored when an environment is created')
  id?: unknown;

  @Text({ max: 255, example: 'my engine' })
  title?: string | null;

  @Nested(() => CredentialsInput)
  credentials?: CredentialsInput | null;

  @Nested(() => RuntimeTechnology)
  runtimetechnology?: RuntimeTechnology | null;

  @Nested(() => ManagementLayer)
  managementlayer?: ManagementLayer | null;
}

/** An environment on the way out. To anyone but its owner only `managementlayer` and `runtimetechnology` are there. */
export class Environment {
  @ApiProperty({ format: 'uuid', required: false })
  id?: string;

  @ApiProperty({ type: String, nullable: true, required: false })
  title?: string | null;

  @ApiProperty({ format: 'uuid', required: false })
  userid?: string;

  @ApiProperty({ type: Credentials, required: false })
  credentials?: Credentials;

  @ApiProperty({ type: RuntimeTechnology, nullable: true })
  runtimetechnology!: RuntimeTechnology | null;

  @ApiProperty({ type: ManagementLayer, nullable: true })
  managementlayer!: ManagementLayer | null;

  @ApiProperty({ type: String, format: 'date-time', required: false })
  createdAt?: Instant;

  @ApiProperty({ type: String, format: 'date-time', required: false })
  updatedAt?: Instant;
}

/** What asking an environment for a sign of life found. An environment that does not answer is an answer too. */
export class EnvironmentCheck {
  @ApiProperty()
  ok!: boolean;

  @ApiProperty()
  message!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, selfRequired: false })
  details?: JsonObject;
}
