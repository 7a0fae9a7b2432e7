import type { KnownRow, LedgerState, SeenFile } from './ledger-row.js';

/** What a scan's look at one file means, given what the ledger knows of its destination. */
export type Decision =
  /** Content that the ledger does not have: a new row, as this version. */
  | { kind: 'new'; version: number }
  /** Another source stands for the destination already: a new row without version, to be compared. */
  | { kind: 'collision' }
  /** The row that waits for this file now has new facts; it settles anew. */
  | { kind: 'refresh'; ledgerId: string }
  /** Known, and as it was. */
  | { kind: 'unchanged'; ledgerId: string; state: LedgerState; acquisitionId: string }
  /** A worker holds the row; it finds out by itself, and a later look decides. */
  | { kind: 'busy'; ledgerId: string };

const WAITING: readonly LedgerState[] = ['seen', 'settling', 'queued', 'deferred', 'failed'];
const HELD: readonly LedgerState[] = ['transferring', 'verifying', 'cataloguing'];

/**
 * The rules of design invariant 3. `rows`: all rows of the file's destination, newest first. The same source with the
 * same size, mtime and inode is the same content (the device number is not compared: it changes with every mount).
 */
export function reconcile(seen: SeenFile, host: string, rows: readonly KnownRow[]): Decision {
  const own = rows.find((row) => row.sourceHost === host && row.sourcePath.equals(seen.sourcePath));
  if (own === undefined) {
    return rows.some((row) => row.version !== null)
      ? { kind: 'collision' }
      : { kind: 'new', version: nextVersion(rows) };
  }
  const isSame = own.sizeBytes === seen.sizeBytes && own.mtimeNs === seen.mtimeNs && own.inode === seen.inode;
  if (HELD.includes(own.state)) {
    return { kind: 'busy', ledgerId: own.id };
  }
  if (WAITING.includes(own.state)) {
    return isSame && own.state !== 'deferred'
      ? { kind: 'unchanged', ledgerId: own.id, state: own.state, acquisitionId: own.acquisitionId }
      : { kind: 'refresh', ledgerId: own.id };
  }
  if (isSame && own.state !== 'cancelled') {
    return { kind: 'unchanged', ledgerId: own.id, state: own.state, acquisitionId: own.acquisitionId };
  }
  // A source that collided once goes on colliding: its next content is compared as well.
  const isForeign =
    rows.some((row) => row.version !== null) && !rows.some((row) => row.version !== null && isOf(row, own));
  return isForeign ? { kind: 'collision' } : { kind: 'new', version: nextVersion(rows) };
}

function isOf(row: KnownRow, own: KnownRow): boolean {
  return row.sourceHost === own.sourceHost && row.sourcePath.equals(own.sourcePath);
}

function nextVersion(rows: readonly KnownRow[]): number {
  return rows.reduce((highest, row) => Math.max(highest, row.version ?? 0), 0) + 1;
}
