import { type ContentType, type DeploymentStatus, type Digest, type JsonObject, type PlanStep } from '#libs/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, json, optionalText, text, wholeNumber } from '../columns.js';

/** What becomes of a step shows on its job. */
export type KeptStep = Omit<PlanStep, 'state' | 'error'>;

@Entity('deployments')
export class DeploymentEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  /** May outlive its image. */
  @Column('uuid', { name: 'image_id' })
  imageId!: string;

  @Column('uuid', { name: 'environment_id' })
  environmentId!: string;

  /** As the user said, else the image's when it was deployed. */
  @Column(optionalText('title'))
  title!: string | null;

  @Column(json('specifics'))
  specifics!: JsonObject;

  /** A snapshot of the image's. */
  @Column(json('image_specifics'))
  imageSpecifics!: JsonObject;

  /** The content, frozen when the deployment was made. */
  @Column(text('digest'))
  digest!: Digest;

  @Column(wholeNumber('size'))
  size!: number;

  @Column(text('content_type'))
  contentType!: ContentType;

  /** What is exported: the content itself, or what was derived from it; null until it is there, and in rows of older releases. */
  @Column(optionalText('variant_digest'))
  variantDigest!: Digest | null;

  @Column(wholeNumber('variant_size', { nullable: true }))
  variantSize!: number | null;

  @Column(optionalText('variant_content_type'))
  variantContentType!: ContentType | null;

  /** Conversions, then the export; null in rows of older releases. */
  @Column(json('plan', { nullable: true }))
  plan!: KeptStep[] | null;

  @Column(text('status'))
  status!: DeploymentStatus;

  /** Known before the bytes went; shown only once `status` is deployed. */
  @Column(optionalText('reference'))
  reference!: string | null;

  @Column(json('receipt', { nullable: true }))
  receipt!: JsonObject | null;

  @Column(instant('created_at', { default: () => 'now()' }))
  createdAt!: Date;

  @Column(instant('updated_at', { default: () => 'now()' }))
  updatedAt!: Date;
}
