import type { Proof } from '../../storage/index.js';

export const LEDGER_STATES = [
  'seen',
  'settling',
  'queued',
  'transferring',
  'verifying',
  'cataloguing',
  'done',
  'deferred',
  'failed',
  'quarantined',
  'skipped',
  'cancelled',
] as const;

/**
 * Where a file version stands. In order: `seen settling queued transferring verifying cataloguing done`; aside:
 * `deferred` (changed while it was read; looked at again), `failed` (tried again at `dueAt`), `quarantined` (needs a
 * person), `skipped` and `cancelled` (with the reason).
 */
export type LedgerState = (typeof LEDGER_STATES)[number];

/** Reasons of rows that ended without content although the file may be there again: a later look takes it anew. */
export const SOURCE_VANISHED = 'source-vanished';
export const OTHER_SOURCE_WENT = 'other-source-went';
/** A monitor leaves such a file alone; another acquisition may take it. */
export const EXISTED_BEFORE_START = 'existed-before-start';

/** What comes first when not everything can be done at once: what a detector has just written, then everything else. */
export const FRESH = 1;
export const BACKLOG = 2;
export type Priority = typeof FRESH | typeof BACKLOG;

/** Nothing happens to such a row by itself any more. A quarantined one waits for a person, but its acquisition can end. */
export const ENDED_STATES: readonly LedgerState[] = ['done', 'skipped', 'cancelled', 'quarantined'];

/** The same as SQL literals. */
export const ENDED_STATES_SQL = ENDED_STATES.map((state) => `'${state}'`).join(', ');

/**
 * What rows of the ledger's column `waits_for` wait for: a quiet source, another look at it, a worker, a person. Null for
 * those that a worker has in hand and those at their end. As literals: with parameters the planner could not use the
 * partial indexes on it.
 */
export const WAITS_FOR = { quiet: "'quiet'", look: "'look'", work: "'work'", person: "'person'" } as const;

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
  reasonCode: string | null;
  updatedAt: Date;
  /** Its content has reached storage, proven, whatever became of the row afterwards. */
  isTransferred: boolean;
  /** Done without a copy (`skipTransfer`): an acquisition that copies takes it anew. */
  isRecordedOnly: boolean;
  /** Given up in the middle of its copy at least once: that may stand at its final name although no record says so. */
  isCutOff: boolean;
}

/** A row that a worker has claimed, with what it needs to carry it on. */
export interface ClaimedRow {
  id: string;
  priority: Priority;
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
  /** The row processed the content of this row again, whose version it is; it has none of its own then. */
  reprocesses: string | null;
  /** An attempt before broke off in the middle of the copy. */
  isCutOff: boolean;
  /** Newest version in storage below this one; for a row without version, the newest in storage of the destination. */
  previous: {
    id: string;
    version: number;
    /** Null when it was copied without digests. */
    md5Sum: string | null;
    sizeBytes: bigint;
    mtimeNs: bigint;
    storedAt: string;
    proof: Proof | null;
  } | null;
  /** Whether another row of the destination is still under way: a row without version waits for it. */
  hasOpenSibling: boolean;
  /** The row has no version since another source stood for the destination, but none does any more. */
  isDestinationFree: boolean;
}

/** Something that a person should know of a file that went on nevertheless. */
export interface RowWarning {
  plugin: string;
  code: string;
  message: string;
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
  /** The content is that of this row, processed again. */
  reprocesses?: string;
  foundMd5Sum?: string;
  /** Gives the version number back, so that the next content gets it: set for rows that end without content. */
  dropsVersion?: boolean;
  isTransferred?: boolean;
  /** The copy broke off; how far it had come is not known. */
  isCutOff?: boolean;
  /** Added to those that the row has; the oldest give way to them. */
  warnings?: readonly RowWarning[];
}
