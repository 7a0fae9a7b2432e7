import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database, type Sql } from '../../platform/database/index.js';
import type { Job, JobStatus } from './job.js';
import { JOB_COLUMNS } from './job-columns.js';

/** A runner that says nothing for this long has lost its jobs. Long enough for a database that restarts. */
const LEASE_SECONDS = 30;
/** Often enough that one failed heartbeat costs nothing. */
export const HEARTBEAT_MS = 5000;

/** Who runs which job: leases that expire, and a fence that grows with each claim. */
@Injectable()
export class JobClaims {
  private readonly place: string;
  private readonly me: string;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) config: StationConfig,
  ) {
    this.place = `${hostname()}:${config.dataDir}`;
    this.me = `${this.place}#${randomUUID()}`;
  }

  /**
   * Up to `count` jobs that nobody runs, in the order of their submission. `running` are those that this process has in
   * hand: never claimed twice, even when a silent database let their leases run out; what it held and no longer has in
   * hand (the database went while it wrote) is claimed at once.
   */
  claim(count: number, running: readonly string[]): Promise<Job[]> {
    return this.database.query<Job>(
      `UPDATE job SET lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = fence + 1
       WHERE id IN (
         SELECT id FROM job
         WHERE status IN ('pending', 'running', 'aborting')
           AND (lease_until IS NULL OR lease_until < now() OR lease_owner = $1)
           AND id <> ALL($4::uuid[])
           AND (not_before IS NULL OR not_before <= now() OR status = 'aborting')
         ORDER BY seq LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING ${JOB_COLUMNS}`,
      [this.me, LEASE_SECONDS, count, running],
    );
  }

  /** Renews the leases of these jobs; answers those that are still ours, with their status. */
  async heartbeat(ids: readonly string[]): Promise<Map<string, JobStatus>> {
    const rows = await this.database.query<{ id: string; status: JobStatus }>(
      `UPDATE job SET lease_until = now() + make_interval(secs => $2)
       WHERE id = ANY($3::uuid[]) AND lease_owner = $1 RETURNING id, status`,
      [this.me, LEASE_SECONDS, ids],
    );
    return new Map(rows.map((row) => [row.id, row.status]));
  }

  /** Lets a job go before its end; it can be claimed again from `notBefore` on (default: at once). */
  async release(job: Job, notBefore: Date | null = null, sql: Sql = this.database): Promise<void> {
    await sql.query(
      `UPDATE job SET lease_owner = NULL, lease_until = NULL, not_before = $3 WHERE id = $1 AND fence = $2`,
      [job.id, job.fence, notBefore],
    );
  }

  /** Takes back what an earlier process of this very station held: only one runs at a time, so that one is dead. */
  async releaseOfPredecessors(): Promise<void> {
    await this.database.query(
      `UPDATE job SET lease_owner = NULL, lease_until = NULL
       WHERE status IN ('pending', 'running', 'aborting') AND split_part(lease_owner, '#', 1) = $1 AND lease_owner <> $2`,
      [this.place, this.me],
    );
  }

  /** When the next job that waits for its time may run. */
  async nextDue(): Promise<Date | undefined> {
    const [row] = await this.database.query<{ due: Date | null }>(
      `SELECT min(not_before) AS due FROM job WHERE status = 'running' AND lease_until IS NULL AND not_before > now()`,
    );
    return row?.due ?? undefined;
  }
}
