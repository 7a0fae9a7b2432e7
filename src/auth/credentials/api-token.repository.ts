import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/index.js';
import { type GrantedRole, principalWith } from '../principal.js';
import type { Identity } from './identity.js';

/** An API token without its secret. */
export interface ApiToken {
  id: number;
  name: string;
  username: string;
  /** Roles that it is restricted to; null: all that its owner has. */
  roles: GrantedRole[] | null;
  createdAt: string;
  expiresAt: string;
  lastUsedAt: string | null;
}

interface TokenRow {
  id: number;
  name: string;
  username: string;
  roles: GrantedRole[] | null;
  created_at: Date;
  expires_at: Date;
  last_used_at: Date | null;
}

interface TokenIdentityRow {
  id: number;
  user_id: number;
  username: string;
  roles: GrantedRole[];
  expires_at: Date;
  use_is_news: boolean;
}

const COLUMNS = `t.id, t.name, u.username, t.roles, t.created_at, t.expires_at, t.last_used_at`;

/** All SQL of API tokens. Revoked and expired ones stay in the table, so that their use can be explained. */
@Injectable()
export class ApiTokenRepository {
  constructor(private readonly database: Database) {}

  async insert(
    tx: Transaction,
    token: { userId: number; name: string; sha256: Buffer; roles: readonly GrantedRole[] | null; days: number },
  ): Promise<ApiToken> {
    const [row] = await tx.query<TokenRow>(
      `WITH t AS (
         INSERT INTO api_token (user_id, name, token_sha256, roles, expires_at)
         VALUES ($1, $2, $3, $4, now() + make_interval(days => $5)) RETURNING *)
       SELECT ${COLUMNS} FROM t JOIN station_user u ON u.id = t.user_id`,
      [token.userId, token.name, token.sha256, token.roles, token.days],
    );
    return apiTokenOf(row as TokenRow);
  }

  /** Locks the owner's row, so that two creations cannot both see room for one more. */
  async countLiving(tx: Transaction, userId: number): Promise<number> {
    await tx.query(`SELECT 1 FROM station_user WHERE id = $1 FOR UPDATE`, [userId]);
    const [row] = await tx.query<{ count: string }>(
      `SELECT count(*) FROM api_token WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()`,
      [userId],
    );
    return Number(row?.count ?? 0);
  }

  /** Tokens of one user that still work, by id; `limit` is the most that are answered. */
  async listLiving(userId: number, afterId: number, limit: number): Promise<ApiToken[]> {
    const rows = await this.database.query<TokenRow>(
      `SELECT ${COLUMNS} FROM api_token t JOIN station_user u ON u.id = t.user_id
       WHERE t.user_id = $1 AND t.id > $2 AND t.revoked_at IS NULL AND t.expires_at > now()
       ORDER BY t.id LIMIT $3`,
      [userId, afterId, limit],
    );
    return rows.map(apiTokenOf);
  }

  async owner(tokenId: number): Promise<{ userId: number; username: string } | null> {
    const [row] = await this.database.query<{ user_id: number; username: string }>(
      `SELECT t.user_id, u.username FROM api_token t JOIN station_user u ON u.id = t.user_id
       WHERE t.id = $1 AND t.revoked_at IS NULL`,
      [tokenId],
    );
    return row === undefined ? null : { userId: row.user_id, username: row.username };
  }

  /** Answers the name of the token, or null when it was revoked before. */
  async revoke(tx: Transaction, tokenId: number): Promise<string | null> {
    const [row] = await tx.query<{ name: string }>(
      `UPDATE api_token SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING name`,
      [tokenId],
    );
    return row?.name ?? null;
  }

  async find(tokenSha256: Buffer): Promise<Identity | null> {
    const [row] = await this.database.query<TokenIdentityRow>(
      `SELECT t.id, t.user_id, u.username, t.expires_at,
              ARRAY(SELECT r FROM unnest(u.roles) AS r WHERE t.roles IS NULL OR r = ANY(t.roles)) AS roles,
              (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute') AS use_is_news
       FROM api_token t JOIN station_user u ON u.id = t.user_id
       WHERE t.token_sha256 = $1 AND t.revoked_at IS NULL AND t.expires_at > now() AND NOT u.disabled`,
      [tokenSha256],
    );
    if (row === undefined) {
      return null;
    }
    if (row.use_is_news) {
      await this.database.query(`UPDATE api_token SET last_used_at = now() WHERE id = $1`, [row.id]);
    }
    return {
      principal: principalWith('token', { id: row.user_id, username: row.username }, row.roles),
      credential: { kind: 'token', id: row.id },
      expiresAt: row.expires_at,
    };
  }
}

function apiTokenOf(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    username: row.username,
    roles: row.roles,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  };
}
