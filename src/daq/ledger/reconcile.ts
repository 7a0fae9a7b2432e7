import {
  EXISTED_BEFORE_START,
  type KnownRow,
  type LedgerState,
  OTHER_SOURCE_WENT,
  type SeenFile,
  SOURCE_VANISHED,
} from './ledger-row.js';

/** What a scan's look at one file means, given what the ledger knows of its destination. */
export type Decision =
  /**
   * Content that the ledger does not have: a new row, as this version. `isCutOff`: the row before it gave up in the middle
   * of its copy, which may stand at the destination although no record says so.
   */
  | { kind: 'new'; version: number; isCutOff: boolean }
  /** Another source stands for the destination already: a new row without version, to be compared. */
  | { kind: 'collision' }
  /** The row that waits for this file now has new facts; it settles anew. */
  | { kind: 'refresh'; ledgerId: string }
  /** A quarantined row is tried again, since the file changed or a person started another acquisition for it. */
  | { kind: 'adopt'; ledgerId: string }
  /** Known, and as it was. */
  | { kind: 'unchanged'; ledgerId: string; state: LedgerState; acquisitionId: string }
  /** A worker holds the row; it finds out by itself, and a later look decides. */
  | { kind: 'busy'; ledgerId: string; isSame: boolean };

/** Who looks: an acquisition on a host. Rows that ended before it began may be tried again by it. */
export interface Looker {
  host: string;
  startedAt: Date;
  /** Takes files anew that are done already, once (`reprocessFiles`). */
  reprocesses: boolean;
  /** Copies what it takes; files that were only recorded where they lie are taken anew. */
  transfers: boolean;
}

const WAITING: readonly LedgerState[] = ['seen', 'settling', 'queued', 'deferred', 'failed'];
const HELD: readonly LedgerState[] = ['transferring', 'verifying', 'cataloguing'];

/**
 * The rules of design invariant 3. `rows`: the rows of the file's destination, newest first. The same source with the
 * same size, mtime and inode is the same content (the device number is not compared: it changes with every mount).
 */
export function reconcile(seen: SeenFile, looker: Looker, rows: readonly KnownRow[]): Decision {
  const own = rows.find((row) => row.sourceHost === looker.host && row.sourcePath.equals(seen.sourcePath));
  if (own === undefined) {
    return rows.some((row) => row.version !== null)
      ? { kind: 'collision' }
      : { kind: 'new', version: nextVersion(rows), isCutOff: false };
  }
  const isSame = own.sizeBytes === seen.sizeBytes && own.mtimeNs === seen.mtimeNs && own.inode === seen.inode;
  if (HELD.includes(own.state)) {
    return { kind: 'busy', ledgerId: own.id, isSame };
  }
  if (WAITING.includes(own.state)) {
    return isSame && own.state !== 'deferred' ? unchanged(own) : { kind: 'refresh', ledgerId: own.id };
  }
  if (own.state === 'quarantined' && (isSame ? own.updatedAt < looker.startedAt : !own.isTransferred)) {
    return { kind: 'adopt', ledgerId: own.id };
  }
  return isSame && isSettled(own, looker) && !isWantedAgain(own, looker) ? unchanged(own) : anew(own, rows);
}

/** What ended before the acquisition began may be asked for once more; its own rows are its answer. */
function isWantedAgain(own: KnownRow, looker: Looker): boolean {
  return own.updatedAt < looker.startedAt && (looker.reprocesses || (looker.transfers && own.isRecordedOnly));
}

/** Whether a row that ended says the last word on this content. */
function isSettled(own: KnownRow, looker: Looker): boolean {
  switch (own.state) {
    case 'cancelled':
      return false;
    case 'skipped':
      if (own.reasonCode === EXISTED_BEFORE_START) {
        return own.updatedAt >= looker.startedAt;
      }
      return own.reasonCode !== SOURCE_VANISHED && own.reasonCode !== OTHER_SOURCE_WENT;
    default:
      return true;
  }
}

function unchanged(own: KnownRow): Decision {
  return { kind: 'unchanged', ledgerId: own.id, state: own.state, acquisitionId: own.acquisitionId };
}

function anew(own: KnownRow, rows: readonly KnownRow[]): Decision {
  // A source that collided once goes on colliding: its next content is compared as well.
  const isForeign =
    rows.some((row) => row.version !== null) && !rows.some((row) => row.version !== null && isOf(row, own));
  return isForeign
    ? { kind: 'collision' }
    : { kind: 'new', version: nextVersion(rows), isCutOff: own.isCutOff && !own.isTransferred };
}

function isOf(row: KnownRow, own: KnownRow): boolean {
  return row.sourceHost === own.sourceHost && row.sourcePath.equals(own.sourcePath);
}

function nextVersion(rows: readonly KnownRow[]): number {
  return rows.reduce((highest, row) => Math.max(highest, row.version ?? 0), 0) + 1;
}
