import { type Digest, type JobKind, type JobQueue, type JobState, type JsonObject } from '#libs/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, json, optionalId, optionalText, text, wholeNumber } from '../columns.js';

/** A job is this row; its message in the queue only says that the row is there. */
@Entity('jobs')
export class JobEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column(text('kind'))
  kind!: JobKind;

  @Column(text('queue'))
  queue!: JobQueue;

  @Column(text('action'))
  action!: string;

  @Column(text('state'))
  state!: JobState;

  /** How often it was claimed; the number of the running or last attempt. */
  @Column('int')
  attempt!: number;

  /** Attempts that ended in a transient error or in a lapsed lease. */
  @Column('int')
  failures!: number;

  @Column(optionalId('user_id'))
  userId!: string | null;

  @Column(optionalId('image_id'))
  imageId!: string | null;

  /** Of the image, when the job was made. */
  @Column('int', { nullable: true })
  generation!: number | null;

  @Column(optionalId('deployment_id'))
  deploymentId!: string | null;

  /** The environment whose credentials it needs. */
  @Column(optionalId('environment_id'))
  environmentId!: string | null;

  /** The blob that must not go while the job lives. */
  @Column(optionalText('digest'))
  digest!: Digest | null;

  /** What is said of the work beyond the columns; never a secret. */
  @Column(json('details'))
  details!: JsonObject;

  @Column(optionalText('error_code'))
  errorCode!: string | null;

  @Column(optionalText('error_message'))
  errorMessage!: string | null;

  @Column(optionalText('log'))
  log!: string | null;

  @Column(wholeNumber('bytes_done'))
  bytesDone!: number;

  @Column(wholeNumber('bytes_total', { nullable: true }))
  bytesTotal!: number | null;

  @Column(wholeNumber('bytes_per_second'))
  bytesPerSecond!: number;

  @Column('boolean', { name: 'cancel_requested' })
  cancelRequested!: boolean;

  /** Whether an attempt may have left a temporary in the environment. */
  @Column('boolean', { name: 'left_temporaries' })
  leftTemporaries!: boolean;

  /** How often the broker gave up on a message of it. */
  @Column('int', { name: 'dead_letters' })
  deadLetters!: number;

  @Column(instant('dead_lettered_at', { nullable: true }))
  deadLetteredAt!: Date | null;

  /** Of the last one, as the broker says. */
  @Column(optionalText('dead_letter_reason'))
  deadLetterReason!: string | null;

  /** Of the HTTP request that it, or the job that it follows from, was caused by. */
  @Column(optionalText('request_id'))
  requestId!: string | null;

  /** W3C `traceparent` of what caused it. */
  @Column(optionalText('trace_parent'))
  traceParent!: string | null;

  @Column(optionalText('worker'))
  worker!: string | null;

  /** Not to be claimed before. */
  @Column(instant('due_at'))
  dueAt!: Date;

  /** Whether the broker has confirmed the message of the next attempt. */
  @Column('boolean')
  published!: boolean;

  /** Not to be published, or published again, before; pushed on by whoever publishes. */
  @Column(instant('publish_at'))
  publishAt!: Date;

  @Column(instant('lease_until', { nullable: true }))
  leaseUntil!: Date | null;

  @Column(instant('created_at', { default: () => 'now()' }))
  createdAt!: Date;

  @Column(instant('started_at', { nullable: true }))
  startedAt!: Date | null;

  /** When the running or last attempt began; null: before a release that kept it. */
  @Column(instant('claimed_at', { nullable: true }))
  claimedAt!: Date | null;

  @Column(instant('ended_at', { nullable: true }))
  endedAt!: Date | null;
}
