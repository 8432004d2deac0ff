import { ApiProperty } from '@nestjs/swagger';
import { Choice, IdAsSent, JsonField, Nested, Text, TextList } from '../field.js';
import {
  CONTENT_TYPES,
  IMAGE_STATUSES,
  IMAGE_TYPES,
  VISIBILITIES,
  type ContentDigest,
  type ContentType,
  type Digest,
  type ImageStatus,
  type ImageType,
  type Instant,
  type JsonObject,
  type Visibility,
} from '../vocabulary.js';
import { Environment, EnvironmentInput } from './environment.js';

/** An image on the way in. `id` matters in a PUT; when an image is created it is ignored. */
export class ImageInput {
  @IdAsSent('Ignored when an image is created')
  id?: unknown;

  @Text({ max: 255, example: 'BusyBox' })
  title?: string | null;

  @Text({ max: 10_000 })
  description?: string | null;

  @TextList({ maxItems: 50, max: 64 })
  tags?: string[] | null;

  @Choice(VISIBILITIES, { name: 'Visibility', description: 'private by default' })
  visibility?: Visibility | null;

  @Choice(IMAGE_TYPES, { name: 'ImageType' })
  imagetype?: ImageType | null;

  @Choice(CONTENT_TYPES, { name: 'ContentType', description: 'Found from the content where it is absent' })
  contenttype?: ContentType | null;

  @Nested(() => EnvironmentInput, { description: 'Where to import from: an `id` is enough' })
  originEnvironment?: EnvironmentInput | null;

  @Text({ max: 1024, example: 'busybox:latest', description: 'The image inside its environment; with it, an import starts' })
  environmentReference?: string | null;

  @JsonField()
  specifics?: JsonObject | null;
}

/** An image on the way out. */
export class Image {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ format: 'uuid' })
  userid!: string;

  @ApiProperty({ type: String, nullable: true })
  title!: string | null;

  @ApiProperty({ type: String, nullable: true })
  description!: string | null;

  @ApiProperty({ type: [String] })
  tags!: string[];

  @ApiProperty({ enum: VISIBILITIES, enumName: 'Visibility' })
  visibility!: Visibility;

  @ApiProperty({ enum: IMAGE_TYPES, enumName: 'ImageType', nullable: true })
  imagetype!: ImageType | null;

  @ApiProperty({ enum: CONTENT_TYPES, enumName: 'ContentType', nullable: true })
  contenttype!: ContentType | null;

  @ApiProperty({ description: 'True exactly when `status` is ready' })
  imported!: boolean;

  @ApiProperty({ enum: IMAGE_STATUSES, enumName: 'ImageStatus' })
  status!: ImageStatus;

  @ApiProperty({ type: Number, nullable: true, description: 'Bytes of the content' })
  size!: number | null;

  @ApiProperty({ type: String, nullable: true, example: `sha256:${'0'.repeat(64)}` })
  digest!: Digest | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: `disk-sha256-4m:${'0'.repeat(64)}`,
    description: 'Of a disk as its guest sees it, whatever the format; null for what is no disk',
  })
  contentDigest!: ContentDigest | null;

  @ApiProperty({
    type: [String],
    required: false,
    description:
      'Of one disk asked for: ids of other images with the same contentDigest, newest first, 100 at most; absent where there is none',
  })
  sameDisk?: string[];

  @ApiProperty({ type: Environment, nullable: true })
  originEnvironment!: Environment | null;

  @ApiProperty({ type: String, nullable: true })
  environmentReference!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  specifics!: JsonObject;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Instant;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt!: Instant;
}

/** An image that stands in an environment and can, or cannot, be imported from there. */
export class RemoteImageEntry {
  @ApiProperty({ description: 'What to give as environmentReference' })
  reference!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ enum: CONTENT_TYPES, enumName: 'ContentType', nullable: true })
  contenttype!: ContentType | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Bytes, as the environment says' })
  size!: number | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  createdAt!: Instant | null;

  @ApiProperty({ required: false })
  checksum?: string;

  @ApiProperty()
  importable!: boolean;

  @ApiProperty({ required: false, description: 'Why it cannot be imported' })
  reason?: string;
}
