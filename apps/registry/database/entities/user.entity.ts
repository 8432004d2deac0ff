import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, optionalText, text } from '../columns.js';

@Entity('users')
export class UserEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column(text('username'))
  username!: string;

  /** argon2id, in its own encoded form. */
  @Column(text('password_hash'))
  passwordHash!: string;

  @Column(optionalText('email'))
  email!: string | null;

  @Column(optionalText('fullname'))
  fullname!: string | null;

  @Column(instant('created_at', { default: () => 'now()' }))
  createdAt!: Date;
}
