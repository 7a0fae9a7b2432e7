import { Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import type { Sql } from '../../platform/database/index.js';

/** Any number that no other part of this database uses as an advisory lock. */
const ADMINISTRATORS_LOCK = 7_236_101;

/** Keeps the station from being left without anybody who can log in and administer it. */
@Injectable()
export class Administrators {
  /** Makes changes that concern administrators wait for each other until the transaction ends. */
  async lock(sql: Sql): Promise<void> {
    await sql.query(`SELECT pg_advisory_xact_lock($1)`, [ADMINISTRATORS_LOCK]);
  }

  /** Whether anybody at all can log in as administrator. */
  async anyCanLogIn(sql: Sql): Promise<boolean> {
    const [row] = await sql.query<{ any: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM station_user
        WHERE 'administrator' = ANY(roles) AND NOT disabled AND password_hash IS NOT NULL) AS any`,
    );
    return row?.any === true;
  }

  /**
   * To be called after a change and before its commit, holding {@link lock}.
   *
   * @throws StationError LAST_ADMINISTRATOR, which undoes the change
   */
  async assertSomebodyIsLeft(sql: Sql): Promise<void> {
    if (!(await this.anyCanLogIn(sql))) {
      throw new StationError(
        'conflict',
        'LAST_ADMINISTRATOR',
        'This is the last administrator who can log in. Make somebody else administrator first.',
      );
    }
  }
}
