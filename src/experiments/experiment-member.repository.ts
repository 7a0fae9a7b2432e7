import { Injectable } from '@nestjs/common';
import type { ExperimentRole, Membership } from '../auth/index.js';
import { driverCode } from '../kernel/errors.js';
import { Database, FOREIGN_KEY_VIOLATION, type Sql } from '../platform/database/index.js';
import type { ExperimentMember } from './experiment.js';

interface MemberRow {
  username: string;
  role: ExperimentRole;
  first_name: string | null;
  last_name: string | null;
  added_at: Date;
}

/** All SQL of members; what access decisions ask. */
@Injectable()
export class ExperimentMemberRepository implements Membership {
  constructor(private readonly database: Database) {}

  async roleOf(userId: number, experimentId: number, sql: Sql = this.database): Promise<ExperimentRole | null> {
    const [row] = await sql.query<{ role: ExperimentRole }>(
      `SELECT role FROM experiment_member WHERE experiment_id = $1 AND user_id = $2`,
      [experimentId, userId],
    );
    return row?.role ?? null;
  }

  async experimentsOf(userId: number): Promise<readonly number[]> {
    const rows = await this.database.query<{ experiment_id: number }>(
      `SELECT experiment_id FROM experiment_member WHERE user_id = $1`,
      [userId],
    );
    return rows.map((row) => row.experiment_id);
  }

  /** Members by username; `limit` is the most that are answered. */
  async list(experimentId: number, afterUsername: string | undefined, limit: number): Promise<ExperimentMember[]> {
    const rows = await this.database.query<MemberRow>(
      `SELECT u.username, m.role, u.first_name, u.last_name, m.added_at
       FROM experiment_member m JOIN station_user u ON u.id = m.user_id
       WHERE m.experiment_id = $1 AND ($2::text IS NULL OR u.username > $2)
       ORDER BY u.username LIMIT $3`,
      [experimentId, afterUsername ?? null, limit],
    );
    return rows.map(memberOf);
  }

  /** Adds a member or gives a member another role; null when the experiment or the user has gone meanwhile. */
  async put(tx: Sql, experimentId: number, userId: number, role: ExperimentRole): Promise<ExperimentMember | null> {
    try {
      const [row] = await tx.query<MemberRow>(
        `WITH m AS (
           INSERT INTO experiment_member (experiment_id, user_id, role) VALUES ($1, $2, $3)
           ON CONFLICT (experiment_id, user_id) DO UPDATE SET role = excluded.role RETURNING *)
         SELECT u.username, m.role, u.first_name, u.last_name, m.added_at
         FROM m JOIN station_user u ON u.id = m.user_id`,
        [experimentId, userId, role],
      );
      return row === undefined ? null : memberOf(row);
    } catch (error) {
      if (driverCode(error) === FOREIGN_KEY_VIOLATION) {
        return null;
      }
      throw error;
    }
  }

  /** Whether there was such a member. */
  async remove(tx: Sql, experimentId: number, userId: number): Promise<boolean> {
    const rows = await tx.query(
      `DELETE FROM experiment_member WHERE experiment_id = $1 AND user_id = $2 RETURNING user_id`,
      [experimentId, userId],
    );
    return rows.length > 0;
  }
}

function memberOf(row: MemberRow): ExperimentMember {
  return {
    username: row.username,
    role: row.role,
    firstName: row.first_name,
    lastName: row.last_name,
    addedAt: row.added_at.toISOString(),
  };
}
