import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/index.js';
import { PRIMARY, ReplicaRepository } from '../../storage/index.js';
import { type Audit, type AuditCounts } from './audit.js';
import { AuditRepository } from './audit.repository.js';
import { FindingRepository } from './finding.repository.js';
import { type FindingKind, isInformation, type NewFinding } from './finding.js';
import type { AuditStep } from './phases/audit-step.js';

/** Of information, of which there can be a piece for each file, so many of a kind are kept; all are counted. */
const MOST_INFORMATION = 1000;

/** Writes a step down in one transaction: findings, what they mean for the copies, and where the audit goes on. */
@Injectable()
export class StepRecord {
  constructor(
    private readonly database: Database,
    private readonly audits: AuditRepository,
    private readonly findings: FindingRepository,
    private readonly replicas: ReplicaRepository,
  ) {}

  /** Whether it was written down: not if the audit was stopped meanwhile. */
  write(audit: Audit, step: AuditStep): Promise<boolean> {
    return this.database
      .transaction(async (tx) => {
        const found = await this.findings.insert(tx, audit.id, kept(audit.counts, step.findings));
        await this.replicas.noteCheck(
          tx,
          step.copies.map(({ ledgerId, trouble }) => ({ ledgerId, destination: PRIMARY, trouble })),
        );
        await this.replicas.confirm(
          tx,
          step.copies.filter((copy) => copy.isConfirmed).map(({ ledgerId }) => ({ ledgerId, destination: PRIMARY })),
        );
        await recordDigests(tx, step.digests);
        const counts = countsAfter(audit.counts, step, found);
        if (!(await this.audits.advance(tx, audit, { ...step.next, counts }))) {
          throw new NotThereAnyMore();
        }
        return true;
      })
      .catch((error: unknown) => {
        if (error instanceof NotThereAnyMore) {
          return false;
        }
        throw error;
      });
  }
}

/** Rolls the step back. */
class NotThereAnyMore extends Error {}

function kept(counts: AuditCounts, findings: readonly NewFinding[]): NewFinding[] {
  const seen = new Map<FindingKind, number>();
  return findings.filter(({ kind }) => {
    const before = (counts.findings[kind] ?? 0) + (seen.get(kind) ?? 0);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    return !isInformation(kind) || before < MOST_INFORMATION;
  });
}

function countsAfter(
  counts: AuditCounts,
  step: AuditStep,
  inserted: Partial<Record<FindingKind, number>>,
): AuditCounts {
  const findings = { ...counts.findings };
  for (const [kind, number] of Object.entries(inserted) as [FindingKind, number][]) {
    if (!isInformation(kind)) {
      findings[kind] = (findings[kind] ?? 0) + number;
    }
  }
  for (const { kind } of step.findings.filter((finding) => isInformation(finding.kind))) {
    findings[kind] = (findings[kind] ?? 0) + 1;
  }
  const more = step.counts;
  return {
    copies: counts.copies + (more.copies ?? 0),
    files: counts.files + (more.files ?? 0),
    documents: counts.documents + (more.documents ?? 0),
    verified: counts.verified + (more.verified ?? 0),
    bytesRead: counts.bytesRead + (more.bytesRead ?? 0),
    touched: counts.touched + (more.touched ?? 0),
    withoutDigest: counts.withoutDigest + (more.withoutDigest ?? 0),
    copiesElsewhere: counts.copiesElsewhere + (more.copiesElsewhere ?? 0),
    sourcesElsewhere: counts.sourcesElsewhere + (more.sourcesElsewhere ?? 0),
    findings,
  };
}

async function recordDigests(tx: Transaction, digests: AuditStep['digests']): Promise<void> {
  if (digests.length === 0) {
    return;
  }
  await tx.query(
    `INSERT INTO content_digest (ledger_id, sha256_sum)
     SELECT d.id, d.sum FROM unnest($1::bigint[], $2::text[]) AS d (id, sum) JOIN ledger l ON l.id = d.id
     ON CONFLICT (ledger_id) DO UPDATE SET sha256_sum = excluded.sha256_sum, computed_at = now()`,
    [digests.map((digest) => digest.ledgerId), digests.map((digest) => digest.sha256Sum)],
  );
}
