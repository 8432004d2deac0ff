import {
  type ContentType,
  type Digest,
  type ImageStatus,
  type ImageType,
  type JsonObject,
  type Visibility,
} from '#libs/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, json, optionalId, optionalText, text, wholeNumber } from '../columns.js';

@Entity('images')
export class ImageEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  @Column(optionalText('title'))
  title!: string | null;

  @Column(optionalText('description'))
  description!: string | null;

  @Column('text', { array: true })
  tags!: string[];

  @Column(text('visibility'))
  visibility!: Visibility;

  @Column(optionalText('imagetype'))
  imagetype!: ImageType | null;

  /** As it is shown: what inspection found, before that what the user said. */
  @Column(optionalText('contenttype'))
  contenttype!: ContentType | null;

  /** What the user said; null: to be found out from each content. */
  @Column(optionalText('said_contenttype'))
  saidContenttype!: ContentType | null;

  @Column(json('specifics'))
  specifics!: JsonObject;

  @Column(optionalId('origin_environment_id'))
  originEnvironmentId!: string | null;

  @Column(optionalText('environment_reference'))
  environmentReference!: string | null;

  /** Counts uploads and imports; what an older one brings is dropped. */
  @Column('int')
  generation!: number;

  @Column(text('status'))
  status!: ImageStatus;

  /** The content that passed inspection last; stays while newer content is on its way. */
  @Column(optionalText('digest'))
  digest!: Digest | null;

  @Column(wholeNumber('size', { nullable: true }))
  size!: number | null;

  @Column(instant('created_at', { default: () => 'now()' }))
  createdAt!: Date;

  @Column(instant('updated_at', { default: () => 'now()' }))
  updatedAt!: Date;
}
