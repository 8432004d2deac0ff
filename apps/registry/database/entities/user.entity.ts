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

  /** As another administrator named them; whom the setting names is one without it. */
  @Column('boolean')
  administrator!: boolean;

  @Column(instant('created_at', { default: () => 'now()' }))
  createdAt!: Date;
}
