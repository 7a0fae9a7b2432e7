import { Injectable } from '@nestjs/common';
import { objectId } from '../../kernel/ids.js';
import { StationError } from '../../kernel/errors.js';
import { Database, type Sql, sqlArray, sqlColumns, type Transaction } from '../../platform/database/index.js';
import {
  BACKLOG,
  type KnownRow,
  type LedgerState,
  OTHER_SOURCE_WENT,
  type Priority,
  type SeenFile,
  SOURCE_VANISHED,
  WAITS_FOR,
} from './ledger-row.js';

export interface NewRow {
  seen: SeenFile;
  version: number | null;
  state: LedgerState;
  reasonCode?: string;
  reason?: string;
  /** See `reconcile`. */
  isCutOff?: boolean;
}

export interface RowOwner {
  experimentId: number;
  acquisitionId: string;
  host: string;
  /** Default: backlog. */
  priority?: Priority;
  /** Whose claim rows in `transferring` are from the start; needed for such only. */
  claimant?: string;
}

/** A row that was just made. */
export interface MadeRow {
  id: string;
  catalogId: string;
}

interface KnownRowRecord {
  ord: number;
  id: string;
  acquisition_id: string;
  version: number | null;
  source_host: string;
  source_path: Buffer;
  inode: string;
  size_bytes: string;
  mtime_ns: string;
  state: LedgerState;
  reason_code: string | null;
  updated_at: Date;
  is_transferred: boolean;
  is_recorded_only: boolean;
  is_cut_off: boolean;
}

interface FactRecord {
  id: string;
  source_path: Buffer;
  destination_path: Buffer;
  device: string;
  inode: string;
  size_bytes: string;
  mtime_ns: string;
}

/** Rows looked at for one destination: the newest, and those of the newest versions, which many touches may bury. */
const MOST_ROWS = 20;

/** The finding side of the ledger: what scans ask and write. The working side is {@link LedgerClaims}. */
@Injectable()
export class LedgerRepository {
  constructor(private readonly database: Database) {}

  /**
   * Rows of each destination, newest first; the answer has one list per path, in the order given. Most destinations have
   * none, and that is asked first.
   */
  async rowsOf(experimentId: number, destinationPaths: readonly Buffer[]): Promise<KnownRow[][]> {
    const records = await this.database.query<KnownRowRecord>(
      `WITH wanted AS MATERIALIZED (
         SELECT told.path, told.ord FROM unnest($2::bytea[]) WITH ORDINALITY AS told (path, ord)
         CROSS JOIN LATERAL (
           SELECT FROM ledger WHERE experiment_id = $1 AND destination_key = sha256(told.path) LIMIT 1) known
       )
       SELECT wanted.ord::int, l.id, l.acquisition_id, l.version, l.source_host, l.source_path, l.inode, l.size_bytes,
              l.mtime_ns, l.state, l.reason_code, l.updated_at, l.transferred_at IS NOT NULL AS is_transferred,
              l.state = 'done' AND l.transferred_at IS NULL AND l.reprocesses IS NULL AS is_recorded_only,
              l.is_cut_off
       FROM wanted CROSS JOIN LATERAL (
         (SELECT id FROM ledger WHERE experiment_id = $1 AND destination_key = sha256(wanted.path)
          ORDER BY id DESC LIMIT $3)
         UNION
         (SELECT id FROM ledger WHERE experiment_id = $1 AND destination_key = sha256(wanted.path)
            AND version IS NOT NULL ORDER BY version DESC LIMIT $3)
       ) found
       JOIN ledger l USING (id)
       ORDER BY l.id DESC`,
      [experimentId, sqlArray('bytea', destinationPaths), MOST_ROWS],
    );
    const rows: KnownRow[][] = destinationPaths.map(() => []);
    for (const record of records) {
      rows[record.ord - 1]?.push({
        id: record.id,
        acquisitionId: record.acquisition_id,
        version: record.version,
        sourceHost: record.source_host,
        sourcePath: record.source_path,
        inode: BigInt.asUintN(64, BigInt(record.inode)),
        sizeBytes: BigInt(record.size_bytes),
        mtimeNs: BigInt(record.mtime_ns),
        state: record.state,
        reasonCode: record.reason_code,
        updatedAt: record.updated_at,
        isTransferred: record.is_transferred,
        isRecordedOnly: record.is_recorded_only,
        isCutOff: record.is_cut_off,
      });
    }
    return rows;
  }

  /**
   * Inserts rows; answers them in the order given, undefined where another acquisition has just taken the version (the
   * caller looks again). The acquisition's row is held meanwhile, in place of foreign keys: whoever deletes it waits.
   */
  async insert(sql: Transaction, owner: RowOwner, rows: readonly NewRow[]): Promise<(MadeRow | undefined)[]> {
    await holdAcquisition(sql, owner.acquisitionId);
    const catalogIds = rows.map(() => objectId());
    const [record] = await sql.query<{ made: string | null }>(
      `WITH made AS (
       INSERT INTO ledger (experiment_id, acquisition_id, source_host, destination_path, destination_key, source_path,
         device, inode, size_bytes, mtime_ns, version, state, reason_code, reason, catalog_id,
         is_cut_off, settled_at, priority, claimed_by)
       SELECT $1, $2, $3, r.destination_path, sha256(r.destination_path), r.source_path, r.device, r.inode, r.size_bytes,
         r.mtime_ns, r.version, r.state, r.reason_code, r.reason, r.catalog_id,
         r.is_cut_off, CASE WHEN r.state IN ('queued', 'transferring') THEN now() END, $16,
         CASE WHEN r.state = 'transferring' THEN $17::uuid END
       FROM unnest($4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::int[],
         $11::text[], $12::text[], $13::text[], $14::bool[], $15::text[])
         AS r (destination_path, source_path, device, inode, size_bytes, mtime_ns, version, state, reason_code, reason,
           is_cut_off, catalog_id)
       ON CONFLICT ON CONSTRAINT ledger_one_row_per_version DO NOTHING
       RETURNING id, catalog_id)
       SELECT string_agg(catalog_id || ' ' || id, ',') AS made FROM made`,
      [
        owner.experimentId,
        owner.acquisitionId,
        owner.host,
        ...columnsOf(rows),
        sqlArray('text', catalogIds),
        owner.priority ?? BACKLOG,
        owner.claimant ?? null,
      ],
    );
    // One text for all: the driver takes its time over every row.
    const pairs = record?.made?.split(',').map((pair) => pair.split(' ') as [string, string]);
    const idOf = new Map(pairs);
    return catalogIds.map((catalogId) => {
      const id = idOf.get(catalogId);
      return id === undefined ? undefined : { id, catalogId };
    });
  }

  /** New facts for rows that still wait: they settle anew. Rows that a worker has claimed meanwhile stay. */
  async refresh(
    sql: Sql,
    files: readonly { ledgerId: string; seen: SeenFile }[],
    state: 'settling' | 'queued',
  ): Promise<void> {
    await sql.query(
      `UPDATE ledger l SET device = r.device, inode = r.inode, size_bytes = r.size_bytes, mtime_ns = r.mtime_ns,
         state = $6, attempts = 0, due_at = now(), reason_code = NULL, reason = NULL, updated_at = now(),
         settled_at = CASE WHEN $6 = 'queued' THEN now() END
       FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
         AS r (id, device, inode, size_bytes, mtime_ns)
       WHERE l.id = r.id AND l.claimed_by IS NULL
         AND l.state IN ('seen', 'settling', 'queued', 'deferred', 'failed')`,
      [...factColumns(files), state],
    );
  }

  /**
   * Quarantined rows go on under another acquisition, with new facts; those whose content is in storage already at the
   * step that they had reached. Answers the ids of those that are to be copied.
   */
  async adopt(
    sql: Sql,
    acquisitionId: string,
    files: readonly { ledgerId: string; seen: SeenFile }[],
    state: 'settling' | 'queued',
  ): Promise<Set<string>> {
    await holdAcquisition(sql, acquisitionId);
    const rows = await sql.query<{ id: string; is_transferred: boolean }>(
      `UPDATE ledger l SET device = r.device, inode = r.inode, size_bytes = r.size_bytes, mtime_ns = r.mtime_ns,
         acquisition_id = $7, state = CASE WHEN l.transferred_at IS NULL THEN $6 ELSE 'cataloguing' END,
         finished_order = CASE WHEN l.transferred_at IS NULL THEN 0 ELSE l.finished_order END,
         attempts = 0, due_at = now(), reason_code = NULL, reason = NULL, updated_at = now(),
         settled_at = CASE WHEN $6 = 'queued' THEN now() END
       FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
         AS r (id, device, inode, size_bytes, mtime_ns)
       WHERE l.id = r.id AND l.state = 'quarantined'
       RETURNING l.id, l.transferred_at IS NOT NULL AS is_transferred`,
      [...factColumns(files), state, acquisitionId],
    );
    return new Set(rows.filter((row) => !row.is_transferred).map((row) => row.id));
  }

  /** Settled rows become queued, with the facts that stood still; answers those that really did. */
  async queueSettled(
    files: readonly { ledgerId: string; seen: SeenFile }[],
  ): Promise<{ id: string; sizeBytes: bigint; priority: Priority }[]> {
    const rows = await this.database.query<{ id: string; size_bytes: string; priority: Priority }>(
      `UPDATE ledger l SET state = 'queued', settled_at = now(), due_at = now(), updated_at = now(), reason_code = NULL,
         reason = NULL,
         device = r.device, inode = r.inode, size_bytes = r.size_bytes, mtime_ns = r.mtime_ns
       FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
         AS r (id, device, inode, size_bytes, mtime_ns)
       WHERE l.id = r.id AND l.state IN ('seen', 'settling') RETURNING l.id, l.size_bytes, l.priority`,
      factColumns(files),
    );
    return rows.map((row) => ({ id: row.id, sizeBytes: BigInt(row.size_bytes), priority: row.priority }));
  }

  /** Rows of an acquisition whose files changed under the worker and want another look. */
  async deferredOf(
    acquisitionId: string,
    limit: number,
  ): Promise<{ id: string; sourcePath: Buffer; destinationPath: Buffer }[]> {
    const rows = await this.database.query<{ id: string; source_path: Buffer; destination_path: Buffer }>(
      `SELECT id, source_path, destination_path FROM ledger
       WHERE acquisition_id = $1 AND waits_for = ${WAITS_FOR.look} AND due_at <= now() ORDER BY id LIMIT $2`,
      [acquisitionId, limit],
    );
    return rows.map((row) => ({ id: row.id, sourcePath: row.source_path, destinationPath: row.destination_path }));
  }

  /** Rows of an acquisition that were settling when the station stopped, in pages by id, with the facts known then. */
  async settlingOf(
    acquisitionId: string,
    afterId: string,
    limit: number,
  ): Promise<{ ledgerId: string; seen: SeenFile }[]> {
    const rows = await this.database.query<FactRecord>(
      `SELECT id, source_path, destination_path, device, inode, size_bytes, mtime_ns FROM ledger
       WHERE acquisition_id = $1 AND id > $2 AND waits_for = ${WAITS_FOR.quiet} ORDER BY id LIMIT $3`,
      [acquisitionId, afterId, limit],
    );
    return rows.map((row) => ({
      ledgerId: row.id,
      seen: {
        sourcePath: row.source_path,
        destinationPath: row.destination_path,
        device: BigInt.asUintN(64, BigInt(row.device)),
        inode: BigInt.asUintN(64, BigInt(row.inode)),
        sizeBytes: BigInt(row.size_bytes),
        mtimeNs: BigInt(row.mtime_ns),
      },
    }));
  }

  /** How many files of an acquisition were seen, were gone when they were to be copied, and did not come back. */
  async countGivenUp(acquisitionId: string): Promise<number> {
    const [row] = await this.database.query<{ files: string }>(
      `SELECT count(*) AS files FROM ledger gone
       WHERE acquisition_id = $1 AND state = 'skipped' AND reason_code = ANY($2::text[])
         AND NOT EXISTS (
           SELECT 1 FROM ledger later
           WHERE later.experiment_id = gone.experiment_id AND later.destination_key = gone.destination_key
             AND later.id > gone.id)`,
      [acquisitionId, [SOURCE_VANISHED, OTHER_SOURCE_WENT]],
    );
    return Number(row?.files ?? 0);
  }

  /** Sources of rows that ended for a reason that may be over by now, the newest first. */
  async gaveUpOf(acquisitionId: string, limit: number): Promise<Buffer[]> {
    const rows = await this.database.query<{ source_path: Buffer }>(
      `SELECT source_path FROM ledger WHERE acquisition_id = $1 AND state = 'skipped' AND reason_code = ANY($2::text[])
       ORDER BY id DESC LIMIT $3`,
      [acquisitionId, [SOURCE_VANISHED, OTHER_SOURCE_WENT], limit],
    );
    return rows.map((row) => row.source_path);
  }

  /** Writes down what files wait for that stood still already, as `why` tells it. */
  async noteWaiting(rows: readonly { ledgerId: string; reasonCode: string; reason: string }[]): Promise<void> {
    if (rows.length > 0) {
      await this.database.query(
        `UPDATE ledger l SET reason_code = r.reason_code, reason = r.reason, updated_at = now()
         FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (id, reason_code, reason)
         WHERE l.id = r.id AND l.state IN ('seen', 'settling')`,
        [rows.map((row) => row.ledgerId), rows.map((row) => row.reasonCode), rows.map((row) => row.reason)],
      );
    }
  }

  /** Ends rows that still wait, with the reason; their version number is free again. */
  async endWaiting(
    ids: readonly string[],
    state: 'skipped' | 'cancelled',
    reasonCode: string,
    reason: string,
  ): Promise<number> {
    const rows = await this.database.query(
      `UPDATE ledger SET state = $2, reason_code = $3, reason = $4, version = NULL, updated_at = now()
       WHERE id = ANY($1::bigint[]) AND claimed_by IS NULL AND state IN ('seen', 'settling', 'queued', 'deferred', 'failed')
       RETURNING id`,
      [ids, state, reasonCode, reason],
    );
    return rows.length;
  }

  /** Cancels what waits in an acquisition that was stopped; `states` limits it. */
  async cancelWaiting(acquisitionId: string, states: readonly LedgerState[], reason: string): Promise<number> {
    const rows = await this.database.query(
      `UPDATE ledger SET state = 'cancelled', reason_code = 'acquisition-stopped', reason = $3, version = NULL,
         updated_at = now()
       WHERE acquisition_id = $1 AND waits_for IS NOT NULL AND state = ANY($2::text[]) AND claimed_by IS NULL
       RETURNING id`,
      [acquisitionId, states, reason],
    );
    return rows.length;
  }
}

/** @throws StationError ACQUISITION_GONE */
async function holdAcquisition(sql: Sql, id: string): Promise<void> {
  const held = await sql.query(`SELECT 1 FROM acquisition WHERE id = $1 FOR KEY SHARE`, [id]);
  if (held.length === 0) {
    throw new StationError('conflict', 'ACQUISITION_GONE', `Acquisition ${id} was deleted; nothing is taken for it.`);
  }
}

/** Device and inode numbers are unsigned 64-bit on disk and signed in PostgreSQL; only equality matters. */
function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function factColumns(files: readonly { ledgerId: string; seen: SeenFile }[]): Buffer[] {
  const column = sqlColumns(files);
  return [
    column('int8', (file) => file.ledgerId),
    column('int8', (file) => signed(file.seen.device)),
    column('int8', (file) => signed(file.seen.inode)),
    column('int8', (file) => file.seen.sizeBytes),
    column('int8', (file) => file.seen.mtimeNs),
  ];
}

function columnsOf(rows: readonly NewRow[]): Buffer[] {
  const column = sqlColumns(rows);
  return [
    column('bytea', (row) => row.seen.destinationPath),
    column('bytea', (row) => row.seen.sourcePath),
    column('int8', (row) => signed(row.seen.device)),
    column('int8', (row) => signed(row.seen.inode)),
    column('int8', (row) => row.seen.sizeBytes),
    column('int8', (row) => row.seen.mtimeNs),
    column('int4', (row) => row.version),
    column('text', (row) => row.state),
    column('text', (row) => row.reasonCode ?? null),
    column('text', (row) => row.reason ?? null),
    column('bool', (row) => row.isCutOff ?? false),
  ];
}
