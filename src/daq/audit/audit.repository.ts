import { Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { Database, type Sql } from '../../platform/database/index.js';
import { type Audit, type AuditCounts, type AuditPhase, type AuditStatus, noCounts } from './audit.js';
import type { FindingKind } from './finding.js';

interface AuditRecord {
  id: string;
  experiment_id: number;
  is_deep: boolean;
  byte_budget: string | null;
  bytes_per_second: string | null;
  wants_sha256: boolean;
  repairs: FindingKind[];
  dark_action: 'adopt' | 'trash' | null;
  status: AuditStatus;
  phase: AuditPhase;
  cursor: unknown;
  counts: AuditCounts;
  breaker: Audit['breaker'];
  waits_for: string | null;
  error_message: string | null;
  started_by: string;
  is_scheduled: boolean;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}

const ACTIVE = `status IN ('pending', 'running', 'stopping')`;

/** All SQL of audits. */
@Injectable()
export class AuditRepository {
  constructor(private readonly database: Database) {}

  async insert(sql: Sql, audit: Audit): Promise<void> {
    await sql.query(
      `INSERT INTO audit (id, experiment_id, is_deep, byte_budget, bytes_per_second, wants_sha256, repairs, dark_action,
         status, phase, counts, started_by, is_scheduled, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        audit.id,
        audit.experimentId,
        audit.isDeep,
        audit.byteBudget,
        audit.bytesPerSecond,
        audit.wantsSha256,
        audit.repairs,
        audit.darkAction,
        audit.status,
        audit.phase,
        JSON.stringify(audit.counts),
        audit.startedBy,
        audit.isScheduled,
        audit.createdAt,
      ],
    );
  }

  /** @throws StationError AUDIT_NOT_FOUND */
  async get(id: string, sql: Sql = this.database): Promise<Audit> {
    const [record] = await sql.query<AuditRecord>(`SELECT * FROM audit WHERE id = $1`, [id]);
    if (record === undefined) {
      throw auditNotFound(id);
    }
    return toAudit(record);
  }

  async list(query: {
    experimentIds?: readonly number[];
    after?: { createdAt: string; id: string };
    limit: number;
  }): Promise<Audit[]> {
    const records = await this.database.query<AuditRecord>(
      `SELECT * FROM audit
       WHERE ($1::int[] IS NULL OR experiment_id = ANY($1))
         AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [query.experimentIds ?? null, query.after?.createdAt ?? null, query.after?.id ?? null, query.limit],
    );
    return records.map(toAudit);
  }

  async activeOf(sql: Sql, experimentId: number): Promise<Audit | undefined> {
    const [record] = await sql.query<AuditRecord>(
      `SELECT * FROM audit WHERE experiment_id = $1 AND ${ACTIVE} ORDER BY created_at LIMIT 1`,
      [experimentId],
    );
    return record === undefined ? undefined : toAudit(record);
  }

  /** The one to work on: those that a person waits for go before the scheduled ones. */
  async next(): Promise<Audit | undefined> {
    const [record] = await this.database.query<AuditRecord>(
      `SELECT * FROM audit WHERE ${ACTIVE} ORDER BY is_scheduled, created_at, id LIMIT 1`,
    );
    return record === undefined ? undefined : toAudit(record);
  }

  /** Compare-and-set; whether the status was one of `from`. */
  async setStatus(
    sql: Sql,
    id: string,
    from: readonly AuditStatus[],
    to: AuditStatus,
    errorMessage: string | null = null,
  ): Promise<boolean> {
    const rows = await sql.query(
      `UPDATE audit SET status = $3, error_message = coalesce($4, error_message), waits_for = NULL,
         started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
         ended_at = CASE WHEN $3 IN ('done', 'stopped', 'failed') THEN now() END,
         phase = CASE WHEN $3 = 'done' THEN 'ended' ELSE phase END
       WHERE id = $1 AND status = ANY($2::text[]) RETURNING id`,
      [id, from, to, errorMessage],
    );
    return rows.length > 0;
  }

  /** Where a step has led to, if the audit was still where the step began; whether it was. */
  async advance(
    sql: Sql,
    audit: Audit,
    to: { phase: AuditPhase; cursor: unknown; counts: AuditCounts },
  ): Promise<boolean> {
    const rows = await sql.query(
      `UPDATE audit SET phase = $2, cursor = $3, counts = $4, waits_for = NULL
       WHERE id = $1 AND status = 'running' AND phase = $5 AND cursor IS NOT DISTINCT FROM $6::jsonb RETURNING id`,
      [
        audit.id,
        to.phase,
        to.cursor === null ? null : JSON.stringify(to.cursor),
        JSON.stringify(to.counts),
        audit.phase,
        audit.cursor === null ? null : JSON.stringify(audit.cursor),
      ],
    );
    return rows.length > 0;
  }

  async setWaiting(id: string, waitsFor: string): Promise<void> {
    await this.database.query(`UPDATE audit SET waits_for = $2 WHERE id = $1 AND waits_for IS DISTINCT FROM $2`, [
      id,
      waitsFor.replaceAll('\0', '\u2400'),
    ]);
  }

  async setBreaker(sql: Sql, id: string, breaker: Audit['breaker']): Promise<void> {
    await sql.query(`UPDATE audit SET breaker = $2 WHERE id = $1`, [id, breaker]);
  }

  /** The newest audit of an experiment that came to its end. */
  async lastDone(sql: Sql, experimentId: number): Promise<Audit | undefined> {
    const [record] = await sql.query<AuditRecord>(
      `SELECT * FROM audit WHERE experiment_id = $1 AND status = 'done' ORDER BY created_at DESC, id DESC LIMIT 1`,
      [experimentId],
    );
    return record === undefined ? undefined : toAudit(record);
  }

  /** Experiments with files, and no audit of any kind since `since`, that were made before it. */
  async overdue(since: Date, limit: number): Promise<number[]> {
    const rows = await this.database.query<{ id: number }>(
      `SELECT e.id FROM experiment e
       WHERE e.created_at < $1
         AND EXISTS (SELECT FROM acquisition q WHERE q.experiment_id = e.id)
         AND NOT EXISTS (SELECT FROM audit a WHERE a.experiment_id = e.id AND (a.created_at >= $1 OR ${ACTIVE}))
       ORDER BY e.id LIMIT $2`,
      [since, limit],
    );
    return rows.map((row) => row.id);
  }
}

export function auditNotFound(id: string): StationError {
  return new StationError('not-found', 'AUDIT_NOT_FOUND', `There is no audit ${id} that you may see.`);
}

function toAudit(record: AuditRecord): Audit {
  return {
    id: record.id,
    experimentId: record.experiment_id,
    isDeep: record.is_deep,
    byteBudget: record.byte_budget === null ? null : Number(record.byte_budget),
    bytesPerSecond: record.bytes_per_second === null ? null : Number(record.bytes_per_second),
    wantsSha256: record.wants_sha256,
    repairs: record.repairs,
    darkAction: record.dark_action,
    status: record.status,
    phase: record.phase,
    cursor: record.cursor,
    // One that an older release has begun may lack some.
    counts: { ...noCounts(), ...record.counts },
    breaker: record.breaker,
    waitsFor: record.waits_for,
    errorMessage: record.error_message,
    startedBy: record.started_by,
    isScheduled: record.is_scheduled,
    createdAt: record.created_at,
    startedAt: record.started_at,
    endedAt: record.ended_at,
  };
}
