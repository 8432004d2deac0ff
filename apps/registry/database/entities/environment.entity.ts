import { type JsonObject, type ManagementLayer, type RuntimeTechnology, type Sealed } from '#libs/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, json, optionalText } from '../columns.js';

@Entity('environments')
export class EnvironmentEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  @Column(optionalText('title'))
  title!: string | null;

  @Column(json('managementlayer', { nullable: true }))
  managementlayer!: ManagementLayer | null;

  @Column(json('runtimetechnology', { nullable: true }))
  runtimetechnology!: RuntimeTechnology | null;

  @Column(optionalText('location'))
  location!: string | null;

  @Column(optionalText('username'))
  username!: string | null;

  @Column(optionalText('password'))
  password!: Sealed | null;

  /** What is no secret. */
  @Column(json('specifics'))
  specifics!: JsonObject;

  /** Sealed secrets of `specifics`, by key. */
  @Column(json('secrets'))
  secrets!: Record<string, Sealed>;

  @Column(instant('created_at', { default: () => 'now()' }))
  createdAt!: Date;

  @Column(instant('updated_at', { default: () => 'now()' }))
  updatedAt!: Date;

  /** Set when the user deleted it; the row goes when no live job needs its credentials any more. */
  @Column(instant('deleted_at', { nullable: true }))
  deletedAt!: Date | null;
}
