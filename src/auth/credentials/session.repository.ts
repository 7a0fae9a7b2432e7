import { Inject, Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import { AUTH_CONFIG, type AuthConfig } from '../auth.config.js';
import { type GrantedRole, principalWith } from '../principal.js';
import type { Identity } from './identity.js';

interface SessionRow {
  id: string;
  user_id: number;
  username: string;
  roles: GrantedRole[];
  expires_at: Date;
  wants_extension: boolean;
}

/** All SQL of login sessions. Only the SHA-256 of a session's token is stored; times are the database's. */
@Injectable()
export class SessionRepository {
  constructor(
    private readonly database: Database,
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
  ) {}

  /**
   * Begins a session if the account is still as it was when its password was checked; null when it is not (disabled,
   * deleted, or the password changed in between). Drops what has expired, and the oldest beyond the limit.
   */
  async begin(
    sql: Sql,
    user: { id: number; passwordHash: string },
    tokenSha256: Buffer,
  ): Promise<{ expiresAt: Date } | null> {
    const { sessionIdleSeconds, sessionAbsoluteSeconds, maxSessionsPerUser } = this.config;
    const [row] = await sql.query<{ expires_at: Date }>(
      `INSERT INTO user_session (token_sha256, user_id, expires_at, absolute_expires_at)
       SELECT $1, id, now() + make_interval(secs => least($4::int, $5::int)), now() + make_interval(secs => $5::int)
       FROM station_user WHERE id = $2 AND password_hash = $3 AND NOT disabled
       FOR SHARE
       RETURNING expires_at`,
      [tokenSha256, user.id, user.passwordHash, sessionIdleSeconds, sessionAbsoluteSeconds],
    );
    if (row === undefined) {
      return null;
    }
    await sql.query(
      `DELETE FROM user_session WHERE id IN (
         SELECT id FROM user_session WHERE expires_at <= now() FOR UPDATE SKIP LOCKED)`,
    );
    await sql.query(
      `DELETE FROM user_session WHERE id IN (
         SELECT id FROM user_session WHERE user_id = $1 ORDER BY id DESC OFFSET $2)`,
      [user.id, maxSessionsPerUser],
    );
    return { expiresAt: row.expires_at };
  }

  /** Who this session belongs to, or null when there is none (any more). Using a session keeps it alive. */
  async find(tokenSha256: Buffer): Promise<Identity | null> {
    const idleSeconds = this.config.sessionIdleSeconds;
    // Extending by less than this is not worth a write; a busy session writes once a minute instead of each time.
    const slackSeconds = Math.min(60, idleSeconds / 10);
    const [row] = await this.database.query<SessionRow>(
      `SELECT s.id, s.user_id, u.username, u.roles, s.expires_at,
              s.expires_at + make_interval(secs => $3::float8)
                < least(now() + make_interval(secs => $2::float8), s.absolute_expires_at) AS wants_extension
       FROM user_session s JOIN station_user u ON u.id = s.user_id
       WHERE s.token_sha256 = $1 AND s.expires_at > now() AND NOT u.disabled`,
      [tokenSha256, idleSeconds, slackSeconds],
    );
    if (row === undefined) {
      return null;
    }
    const expiresAt = row.wants_extension ? await this.extend(row.id) : row.expires_at;
    return {
      principal: principalWith('user', { id: row.user_id, username: row.username }, row.roles),
      credential: { kind: 'session', id: Number(row.id) },
      expiresAt: expiresAt ?? row.expires_at,
    };
  }

  async end(sessionId: number): Promise<void> {
    await this.database.query(`DELETE FROM user_session WHERE id = $1`, [sessionId]);
  }

  /** Ends the user's sessions, but for `keepId`. */
  async endAll(sql: Sql, userId: number, keepId?: number): Promise<void> {
    await sql.query(`DELETE FROM user_session WHERE user_id = $1 AND ($2::bigint IS NULL OR id <> $2)`, [
      userId,
      keepId ?? null,
    ]);
  }

  private async extend(sessionId: string): Promise<Date | undefined> {
    const [row] = await this.database.query<{ expires_at: Date }>(
      `UPDATE user_session SET expires_at = least(now() + make_interval(secs => $2::float8), absolute_expires_at)
       WHERE id = $1 AND expires_at > now() RETURNING expires_at`,
      [sessionId, this.config.sessionIdleSeconds],
    );
    return row?.expires_at;
  }
}
