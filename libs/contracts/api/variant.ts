import { ApiProperty } from '@nestjs/swagger';
import { CONTENT_TYPES, type ContentDigest, type ContentType, type Digest, type Instant } from '../vocabulary.js';

/** An image's content in one content type: the original, or what was derived from it, with how. */
export class Variant {
  @ApiProperty({ enum: CONTENT_TYPES, enumName: 'ContentType' })
  contenttype!: ContentType;

  @ApiProperty({ type: String, example: `sha256:${'0'.repeat(64)}` })
  digest!: Digest;

  @ApiProperty({ description: 'Bytes' })
  size!: number;

  @ApiProperty({ type: String, nullable: true, description: 'Of a disk as its guest sees it; null for what is no disk' })
  contentDigest!: ContentDigest | null;

  @ApiProperty({ type: String, required: false, description: 'The digest of what it was made from; absent of the original' })
  derivedFrom?: Digest;

  @ApiProperty({ type: String, required: false, description: 'All conversions since the original, joined by +' })
  recipe?: string;

  @ApiProperty({ type: String, required: false, example: 'qemu-img 7.2.22' })
  tool?: string;

  @ApiProperty({ type: [String], required: false, description: 'What the tool was called with' })
  arguments?: string[];

  @ApiProperty({
    type: String,
    format: 'date-time',
    description: 'Of the original, that of the image; of what was derived, when it was converted, for whichever image',
  })
  createdAt!: Instant;
}
