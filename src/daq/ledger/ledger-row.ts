/**
 * Where a file version stands. In order: `seen settling queued transferring verifying cataloguing done`; aside:
 * `deferred` (changed while it was read; looked at again), `failed` (tried again at `dueAt`), `quarantined` (needs a
 * person), `skipped` and `cancelled` (with the reason).
 */
export type LedgerState =
  | 'seen'
  | 'settling'
  | 'queued'
  | 'transferring'
  | 'verifying'
  | 'cataloguing'
  | 'done'
  | 'deferred'
  | 'failed'
  | 'quarantined'
  | 'skipped'
  | 'cancelled';

/** Nothing happens to such a row by itself any more. A quarantined one waits for a person, but its acquisition can end. */
export const ENDED_STATES: readonly LedgerState[] = ['done', 'skipped', 'cancelled', 'quarantined'];

/** A regular file as a scan saw it. Paths are bytes. */
export interface SeenFile {
  sourcePath: Buffer;
  /** Relative to the experiment's directory. */
  destinationPath: Buffer;
  device: bigint;
  inode: bigint;
  sizeBytes: bigint;
  mtimeNs: bigint;
}

/** What a rescan needs to know of the rows of one destination. */
export interface KnownRow {
  id: string;
  acquisitionId: string;
  version: number | null;
  sourceHost: string;
  sourcePath: Buffer;
  inode: bigint;
  sizeBytes: bigint;
  mtimeNs: bigint;
  state: LedgerState;
}

/** A row that a worker has claimed, with what it needs to carry it on. */
export interface ClaimedRow {
  id: string;
  experimentId: number;
  acquisitionId: string;
  destinationPath: Buffer;
  version: number | null;
  sourceHost: string;
  sourcePath: Buffer;
  inode: bigint;
  sizeBytes: bigint;
  mtimeNs: bigint;
  attempts: number;
  finishedOrder: number;
  md5Sum: string | null;
  catalogId: string;
  transferredAt: Date | null;
  /** Newest done version below this one; for a row without version, the newest done one of the destination. */
  previous: { id: string; version: number; md5Sum: string; sourceHost: string } | null;
  /** Whether another row of the destination is still under way: a row without version waits for it. */
  hasOpenSibling: boolean;
}

/** What becomes of a claimed row. Fields that are absent keep their value. */
export interface RowChange {
  id: string;
  state: LedgerState;
  reasonCode?: string | null;
  reason?: string | null;
  attempts?: number;
  dueInSeconds?: number;
  finishedOrder?: number;
  md5Sum?: string;
  foundMd5Sum?: string;
  /** Gives the version number back, so that the next content gets it: set for rows that end without content. */
  dropsVersion?: boolean;
  isTransferred?: boolean;
}
