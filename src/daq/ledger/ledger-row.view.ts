import { pathToText } from '../../kernel/path-text.js';
import type { LedgerState, RowWarning } from './ledger-row.js';

/** A ledger row as the API shows it. */
export interface LedgerRowView {
  id: string;
  /** Relative to the experiment's directory. */
  path: string;
  version: number | null;
  state: LedgerState;
  reasonCode: string | null;
  reason: string | null;
  attempts: number;
  source: { host: string; path: string };
  sizeBytes: number;
  modifiedAt: string;
  md5Sum: string | null;
  /** What was found instead, where content disagreed. */
  foundMd5Sum: string | null;
  acquisitionId: string;
  catalogId: string;
  seenAt: string;
  settledAt: string | null;
  transferredAt: string | null;
  doneAt: string | null;
  updatedAt: string;
  /** When a failed row is tried again. */
  dueAt: string | null;
  /** When the source file was removed, by the proof of its copy (`removeSourceFiles`). */
  sourceRemovedAt: string | null;
  /** When a person deleted the version. */
  deletedAt: string | null;
  /** The row processed the content of this row again, and has no version of its own. */
  reprocesses: string | null;
  /** What plug-ins said although the file went on, oldest first. */
  warnings: RowWarningView[];
}

export interface RowWarningView extends RowWarning {
  at: string;
}

export interface LedgerRecord {
  id: string;
  destination_path: Buffer;
  version: number | null;
  state: LedgerState;
  reason_code: string | null;
  reason: string | null;
  attempts: number;
  source_host: string;
  source_path: Buffer;
  size_bytes: string;
  mtime_ns: string;
  md5_sum: string | null;
  found_md5_sum: string | null;
  acquisition_id: string;
  catalog_id: string;
  seen_at: Date;
  settled_at: Date | null;
  transferred_at: Date | null;
  done_at: Date | null;
  updated_at: Date;
  due_at: Date;
  warnings: RowWarningView[] | null;
  source_removed_at: Date | null;
  deleted_at: Date | null;
  reprocesses: string | null;
}

export function ledgerRowView(record: LedgerRecord): LedgerRowView {
  return {
    id: record.id,
    path: pathToText(record.destination_path),
    version: record.version,
    state: record.state,
    reasonCode: record.reason_code,
    reason: record.reason,
    attempts: record.attempts,
    source: { host: record.source_host, path: pathToText(record.source_path) },
    sizeBytes: Number(record.size_bytes),
    modifiedAt: new Date(Number(BigInt(record.mtime_ns) / 1_000_000n)).toISOString(),
    md5Sum: record.md5_sum,
    foundMd5Sum: record.found_md5_sum,
    acquisitionId: record.acquisition_id,
    catalogId: record.catalog_id,
    seenAt: record.seen_at.toISOString(),
    settledAt: record.settled_at?.toISOString() ?? null,
    transferredAt: record.transferred_at?.toISOString() ?? null,
    doneAt: record.done_at?.toISOString() ?? null,
    updatedAt: record.updated_at.toISOString(),
    dueAt: record.state === 'failed' ? record.due_at.toISOString() : null,
    sourceRemovedAt: record.source_removed_at?.toISOString() ?? null,
    deletedAt: record.deleted_at?.toISOString() ?? null,
    reprocesses: record.reprocesses,
    warnings: (record.warnings ?? []).map((warning) => ({ ...warning, at: new Date(warning.at).toISOString() })),
  };
}
