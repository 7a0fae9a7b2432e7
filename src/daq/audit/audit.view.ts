import { pathToText } from '../../kernel/path-text.js';
import type { Audit } from './audit.js';
import { type Evidence, type Finding, FINDING_KINDS, type FindingAction, type RepairState } from './finding.js';

/** An audit as the API shows it. */
export interface AuditView {
  id: string;
  experiment: string;
  status: Audit['status'];
  phase: Audit['phase'];
  deep: boolean;
  byteBudget: number | null;
  bytesPerSecond: number | null;
  sha256: boolean;
  repair: string[];
  dark: string | null;
  counts: Omit<Audit['counts'], 'findings'>;
  /** Numbers by kind, as found. */
  findings: Audit['counts']['findings'];
  /** What became of those that were to be repaired. */
  repairs: Record<RepairState, number>;
  breaker: Audit['breaker'];
  /** It ended before it had read everything; the next deep audit goes on with the rest. */
  isBudgetSpent: boolean;
  waitsFor: string | null;
  errorMessage: string | null;
  startedBy: string;
  isScheduled: boolean;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

export function auditView(audit: Audit, experiment: string, repairs: Record<RepairState, number>): AuditView {
  const { findings, ...counts } = audit.counts;
  return {
    id: audit.id,
    experiment,
    status: audit.status,
    phase: audit.phase,
    deep: audit.isDeep,
    byteBudget: audit.byteBudget,
    bytesPerSecond: audit.bytesPerSecond,
    sha256: audit.wantsSha256,
    repair: audit.repairs,
    dark: audit.darkAction,
    counts,
    findings,
    repairs,
    breaker: audit.breaker,
    isBudgetSpent: audit.byteBudget !== null && counts.bytesRead >= audit.byteBudget,
    waitsFor: audit.waitsFor,
    errorMessage: audit.errorMessage,
    startedBy: audit.startedBy,
    isScheduled: audit.isScheduled,
    createdAt: audit.createdAt.toISOString(),
    startedAt: audit.startedAt?.toISOString() ?? null,
    endedAt: audit.endedAt?.toISOString() ?? null,
  };
}

/** A finding as the API shows it. */
export interface FindingView {
  id: string;
  kind: Finding['kind'];
  severity: 'critical' | 'warning' | 'info';
  /** Text form, relative to the experiment's directory. */
  path: string;
  version: number | null;
  ledgerId: string | null;
  what: string;
  /** What can be done about it; null: nothing by the station. */
  action: FindingAction | null;
  evidence: Evidence;
  foundAt: string;
  repair: {
    state: RepairState;
    action: string | null;
    note: string | null;
    by: string | null;
    repairedAt: string | null;
  } | null;
}

export function findingView(finding: Finding): FindingView {
  const { severity, action } = FINDING_KINDS[finding.kind];
  return {
    id: finding.id,
    kind: finding.kind,
    severity,
    path: pathToText(finding.path),
    version: finding.version,
    ledgerId: finding.ledgerId,
    what: finding.what,
    action,
    evidence: finding.evidence,
    foundAt: finding.foundAt.toISOString(),
    repair:
      finding.repair === null
        ? null
        : {
            state: finding.repair,
            action: finding.repairAction,
            note: finding.repairNote,
            by: finding.repairBy,
            repairedAt: finding.repairedAt?.toISOString() ?? null,
          },
  };
}
