/**
 * What an audit can find, and what it means. The names are stable: programs match on them.
 * `bad`: a copy is not what the ledger says. `action`: the repair that can be asked for.
 */
export const FINDING_KINDS = {
  missing: { severity: 'critical', action: 'restore', says: 'the ledger has a copy where no file is' },
  changed: { severity: 'critical', action: 'restore', says: 'the copy is not what was recorded' },
  unreadable: { severity: 'critical', action: null, says: 'the copy is there and cannot be read' },
  dark: { severity: 'warning', action: 'adopt-or-trash', says: 'in storage, and unknown to the ledger' },
  temporary: { severity: 'warning', action: 'remove', says: 'the remains of a copy that broke off' },
  'document-missing': { severity: 'warning', action: 'rewrite', says: 'stored, and not in the catalog' },
  'document-differs': {
    severity: 'warning',
    action: 'rewrite',
    says: 'the catalog says something else than the ledger',
  },
  'document-surplus': {
    severity: 'warning',
    action: 'remove',
    says: 'in the catalog as stored, and unknown to the ledger',
  },
  permissions: { severity: 'info', action: null, says: 'mode or group is not what the storage area gives' },
  'source-changed': { severity: 'info', action: null, says: 'the source has other content by now' },
  'source-gone': { severity: 'info', action: null, says: 'the source is gone' },
} as const satisfies Record<
  string,
  { severity: 'critical' | 'warning' | 'info'; action: FindingAction | null; says: string }
>;

export type FindingAction = 'restore' | 'rewrite' | 'remove' | 'adopt-or-trash';
export type FindingKind = keyof typeof FINDING_KINDS;
export const ALL_FINDING_KINDS = Object.keys(FINDING_KINDS) as FindingKind[];

/** Kinds that can be repaired without a further decision of a person. */
export const REPAIRABLE_KINDS = ALL_FINDING_KINDS.filter((kind) => {
  const { action } = FINDING_KINDS[kind];
  return action !== null && action !== 'adopt-or-trash';
});

/** A copy that fails these is not one to rely on. */
export const BAD_COPY_KINDS: readonly FindingKind[] = ['missing', 'changed'];

export function isInformation(kind: FindingKind): boolean {
  return FINDING_KINDS[kind].severity === 'info';
}

/** What was expected and what was found; sizes and times as text, since JSON has no 64-bit integers. */
export interface Evidence {
  expected?: Record<string, string | number | null>;
  found?: Record<string, string | number | null>;
  [fact: string]: unknown;
}

export interface NewFinding {
  kind: FindingKind;
  /** Relative to the experiment's directory: the copy's place; for documents and sources the file's path. */
  path: Buffer;
  version: number | null;
  ledgerId: string | null;
  /** One sentence. */
  what: string;
  evidence: Evidence;
}

export type RepairState = 'requested' | 'repaired' | 'obsolete' | 'failed';
export type RepairAction = 'restore' | 'rewrite' | 'remove' | 'adopt' | 'trash';

export interface Finding extends NewFinding {
  id: string;
  auditId: string;
  foundAt: Date;
  /** `obsolete`: it was not so any more when it was to be repaired. */
  repair: RepairState | null;
  repairAction: RepairAction | null;
  repairNote: string | null;
  repairBy: string | null;
  repairedAt: Date | null;
}
