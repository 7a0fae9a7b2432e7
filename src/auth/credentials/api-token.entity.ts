import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { GrantedRole } from '../principal.js';

@Entity('api_token')
export class ApiTokenEntity {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'ALWAYS' })
  id: number;

  @Column({ type: 'integer', name: 'user_id' })
  userId: number;

  @Column({ type: 'text' })
  name: string;

  @Column({ type: 'bytea', name: 'token_sha256', unique: true, select: false })
  tokenSha256: Buffer;

  /** Null: all roles of the owner, also ones granted later. */
  @Column({ type: 'text', array: true, nullable: true })
  roles: GrantedRole[] | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  @Column({ type: 'timestamptz', name: 'last_used_at', nullable: true })
  lastUsedAt: Date | null;

  @Column({ type: 'timestamptz', name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
