import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import {
  BAD_COPY_KINDS,
  type Evidence,
  type Finding,
  type FindingKind,
  type NewFinding,
  type RepairAction,
  type RepairState,
} from './finding.js';

interface FindingRecord {
  id: string;
  audit_id: string;
  kind: FindingKind;
  path: Buffer;
  version: number | null;
  ledger_id: string | null;
  what: string;
  evidence: Evidence;
  found_at: Date;
  repair: RepairState | null;
  repair_action: RepairAction | null;
  repair_note: string | null;
  repair_by: string | null;
  repaired_at: Date | null;
}

/** All SQL of findings. */
@Injectable()
export class FindingRepository {
  constructor(private readonly database: Database) {}

  /** A finding of one kind at one path and version is written once for an audit; answers how many were new, by kind. */
  async insert(
    sql: Sql,
    auditId: string,
    findings: readonly NewFinding[],
  ): Promise<Partial<Record<FindingKind, number>>> {
    if (findings.length === 0) {
      return {};
    }
    const rows = await sql.query<{ kind: FindingKind }>(
      `INSERT INTO audit_finding (audit_id, kind, path, version, ledger_id, what, evidence)
       SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::int[], $5::bigint[], $6::text[], $7::jsonb[])
       ON CONFLICT ON CONSTRAINT audit_finding_once DO NOTHING RETURNING kind`,
      [
        auditId,
        findings.map((finding) => finding.kind),
        findings.map((finding) => finding.path),
        findings.map((finding) => finding.version),
        findings.map((finding) => finding.ledgerId),
        findings.map((finding) => finding.what),
        findings.map((finding) => JSON.stringify(finding.evidence).replaceAll('\\u0000', '\u2400')),
      ],
    );
    const counts: Partial<Record<FindingKind, number>> = {};
    rows.forEach(({ kind }) => (counts[kind] = (counts[kind] ?? 0) + 1));
    return counts;
  }

  async list(query: {
    auditId: string;
    kinds?: readonly FindingKind[] | undefined;
    repair?: 'open' | RepairState | undefined;
    afterId?: string | undefined;
    limit: number;
  }): Promise<Finding[]> {
    const records = await this.database.query<FindingRecord>(
      `SELECT * FROM audit_finding
       WHERE audit_id = $1 AND ($2::text[] IS NULL OR kind = ANY($2)) AND id > $3
         AND ($4::text IS NULL OR ($4 = 'open' AND repair IS DISTINCT FROM 'repaired' AND repair IS DISTINCT FROM 'obsolete')
           OR repair = $4)
       ORDER BY id LIMIT $5`,
      [query.auditId, query.kinds ?? null, query.afterId ?? '0', query.repair ?? null, query.limit],
    );
    return records.map(toFinding);
  }

  /** Puts findings that are not repaired yet into the queue; answers how many. */
  async request(
    sql: Sql,
    auditId: string,
    want: { kinds?: readonly FindingKind[]; ids?: readonly string[]; action: RepairAction; by: string },
  ): Promise<number> {
    const rows = await sql.query(
      `UPDATE audit_finding SET repair = 'requested', repair_action = $4, repair_by = $5, repair_note = NULL
       WHERE audit_id = $1 AND ($2::text[] IS NULL OR kind = ANY($2)) AND ($3::bigint[] IS NULL OR id = ANY($3))
         AND (repair IS NULL OR repair = 'failed') RETURNING id`,
      [auditId, want.kinds ?? null, want.ids ?? null, want.action, want.by],
    );
    return rows.length;
  }

  async requested(limit: number): Promise<Finding[]> {
    const records = await this.database.query<FindingRecord>(
      `SELECT * FROM audit_finding WHERE repair = 'requested' ORDER BY id LIMIT $1`,
      [limit],
    );
    return records.map(toFinding);
  }

  async settle(sql: Sql, id: string, repair: RepairState, note: string): Promise<void> {
    await sql.query(
      `UPDATE audit_finding SET repair = $2, repair_note = $3, repaired_at = CASE WHEN $2 = 'repaired' THEN now() END
       WHERE id = $1 AND repair = 'requested'`,
      [id, repair, note.replaceAll('\0', '\u2400')],
    );
  }

  /** Kinds of an audit's findings that are neither repaired nor obsolete, with their numbers. */
  async openKinds(sql: Sql, auditId: string): Promise<Partial<Record<FindingKind, number>>> {
    const rows = await sql.query<{ kind: FindingKind; findings: string }>(
      `SELECT kind, count(*) AS findings FROM audit_finding
       WHERE audit_id = $1 AND (repair IS NULL OR repair IN ('requested', 'failed')) GROUP BY kind`,
      [auditId],
    );
    return Object.fromEntries(rows.map((row) => [row.kind, Number(row.findings)]));
  }

  async repairCounts(auditId: string): Promise<Record<RepairState, number>> {
    const rows = await this.database.query<{ repair: RepairState; findings: string }>(
      `SELECT repair, count(*) AS findings FROM audit_finding WHERE audit_id = $1 AND repair IS NOT NULL GROUP BY repair`,
      [auditId],
    );
    const none = { requested: 0, repaired: 0, obsolete: 0, failed: 0 };
    return { ...none, ...Object.fromEntries(rows.map((row) => [row.repair, Number(row.findings)])) };
  }

  /** What was asked to be restored and is not begun goes back, when the breaker opens. */
  async withdraw(sql: Sql, auditId: string): Promise<void> {
    await sql.query(
      `UPDATE audit_finding SET repair = NULL, repair_action = NULL, repair_by = NULL
       WHERE audit_id = $1 AND repair = 'requested' AND kind = ANY($2::text[])`,
      [auditId, BAD_COPY_KINDS],
    );
  }
}

function toFinding(record: FindingRecord): Finding {
  return {
    id: record.id,
    auditId: record.audit_id,
    kind: record.kind,
    path: record.path,
    version: record.version,
    ledgerId: record.ledger_id,
    what: record.what,
    evidence: record.evidence,
    foundAt: record.found_at,
    repair: record.repair,
    repairAction: record.repair_action,
    repairNote: record.repair_note,
    repairBy: record.repair_by,
    repairedAt: record.repaired_at,
  };
}
