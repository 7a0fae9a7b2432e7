import type { FindingKind } from './finding.js';

export const AUDIT_STATUSES = ['pending', 'running', 'stopping', 'stopped', 'done', 'failed'] as const;
export type AuditStatus = (typeof AUDIT_STATUSES)[number];

/**
 * What an audit does, in this order: `copies` (each row of the ledger: its copy, its document, its source), `tree` (each
 * file in storage: does the ledger know it), `documents` (each document of the catalog), `content` (a deep audit: the
 * bytes of the copies, the longest unverified first).
 */
export const AUDIT_PHASES = ['copies', 'tree', 'documents', 'content', 'ended'] as const;
export type AuditPhase = (typeof AUDIT_PHASES)[number];

export interface AuditCounts {
  /** File versions of the ledger that were looked at. */
  copies: number;
  /** Files of the tree. */
  files: number;
  documents: number;
  /** Copies whose content was read and agreed. */
  verified: number;
  bytesRead: number;
  /** Copies whose time had changed but not their content. */
  touched: number;
  /** Copies that no digest is known of, so that reading them proves nothing. */
  withoutDigest: number;
  /** What it does not look at: copies at further destinations, and sources on other machines. */
  copiesElsewhere: number;
  sourcesElsewhere: number;
  findings: Partial<Record<FindingKind, number>>;
}

export function noCounts(): AuditCounts {
  return {
    copies: 0,
    files: 0,
    documents: 0,
    verified: 0,
    bytesRead: 0,
    touched: 0,
    withoutDigest: 0,
    copiesElsewhere: 0,
    sourcesElsewhere: 0,
    findings: {},
  };
}

export interface AuditSettings {
  isDeep: boolean;
  /** Bytes that it reads at most; null: all. A copy that is begun is read to its end. */
  byteBudget: number | null;
  /** Null: as fast as the disk gives them. */
  bytesPerSecond: number | null;
  /** Also computes SHA-256 of what it reads. */
  wantsSha256: boolean;
  /** Kinds that are repaired at the end. */
  repairs: FindingKind[];
  darkAction: 'adopt' | 'trash' | null;
}

export interface Audit extends AuditSettings {
  id: string;
  experimentId: number;
  status: AuditStatus;
  phase: AuditPhase;
  cursor: unknown;
  counts: AuditCounts;
  /** `open`: so many copies were found bad that repairs wait for a person. */
  breaker: 'closed' | 'open' | 'overridden';
  /** Why it stands still. */
  waitsFor: string | null;
  errorMessage: string | null;
  startedBy: string;
  isScheduled: boolean;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}

/** More bad copies than both of these at once are more likely one fault of the storage than many of files. */
const BREAKER_COPIES = 10;
const BREAKER_SHARE = 0.05;

export function tripsBreaker(counts: AuditCounts): boolean {
  const bad = (counts.findings.missing ?? 0) + (counts.findings.changed ?? 0);
  return bad > Math.max(BREAKER_COPIES, counts.copies * BREAKER_SHARE);
}
