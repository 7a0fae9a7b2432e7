import type { Audit, AuditCounts, AuditPhase } from '../audit.js';
import type { NewFinding } from '../finding.js';
import type { ReplicaTrouble } from '../../../storage/index.js';

/** What an audit works on. */
export interface AuditScene {
  audit: Audit;
  experiment: { id: number; name: string; directory: Buffer };
  /** Group that files get as they arrive; null while nobody knows. */
  groupId: number | null;
}

/** What one step has found out. It is written down as a whole or not at all. */
export interface AuditStep {
  next: { phase: AuditPhase; cursor: unknown };
  counts: Partial<Omit<AuditCounts, 'findings'>>;
  findings: NewFinding[];
  copies: CopyNote[];
  /** SHA-256 of contents that agreed. */
  digests: { ledgerId: string; sha256Sum: string }[];
}

/** What becomes of the record of a copy in the storage area. */
export interface CopyNote {
  ledgerId: string;
  trouble: { kind: ReplicaTrouble; reason: string } | null;
  /** Its content was read and agreed. */
  isConfirmed: boolean;
}

export interface AuditPhaseWork {
  /** Goes on from the audit's cursor. Called again from there when the station dies, so it changes nothing itself. */
  step(scene: AuditScene): Promise<AuditStep>;
  /** The step before is written down. */
  writtenDown?(auditId: string): void;
  /** The audit has ended, or has left this phase. */
  end?(auditId: string): Promise<void>;
}

export function nextPhase(phase: AuditPhase, isDeep: boolean): AuditPhase {
  switch (phase) {
    case 'copies':
      return 'tree';
    case 'tree':
      return 'documents';
    case 'documents':
      return isDeep ? 'content' : 'ended';
    case 'content':
    case 'ended':
      return 'ended';
  }
}

/** What a finding says of the record of the copy; a copy that cannot be read now may be good. */
export function noteOf(finding: NewFinding): CopyNote[] {
  if (finding.ledgerId === null || (finding.kind !== 'missing' && finding.kind !== 'changed')) {
    return [];
  }
  const trouble = { kind: finding.kind === 'missing' ? 'missing' : 'damaged', reason: finding.what } as const;
  return [{ ledgerId: finding.ledgerId, trouble, isConfirmed: false }];
}
