import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import { type ClaimedRow, ENDED_STATES_SQL, type RowChange, type RowWarning } from './ledger-row.js';

interface ClaimRecord {
  id: string;
  experiment_id: number;
  acquisition_id: string;
  destination_path: Buffer;
  version: number | null;
  source_host: string;
  source_path: Buffer;
  inode: string;
  size_bytes: string;
  mtime_ns: string;
  attempts: number;
  finished_order: number;
  md5_sum: string | null;
  catalog_id: string;
  transferred_at: Date | null;
  reprocesses: string | null;
  is_cut_off: boolean;
  previous: PreviousRecord | null;
  has_open_sibling: boolean;
  is_destination_free: boolean;
}

interface PreviousRecord extends Omit<NonNullable<ClaimedRow['previous']>, 'sizeBytes' | 'mtimeNs'> {
  sizeBytes: string;
  mtimeNs: string;
}

/** A row whose work broke off when the station died. */
export interface CutOffRow {
  id: string;
  sizeBytes: bigint;
  experimentId: number;
  destinationPath: Buffer;
}

/** Reads with a claimed row what stands at its destination; only rows that are not a first version have to look. */
const WITH_SIBLINGS = `
  SELECT c.*,
    CASE WHEN c.version = 1 THEN NULL ELSE (
      SELECT json_build_object('id', p.id::text, 'version', p.version, 'md5Sum', p.md5_sum,
        'sizeBytes', p.size_bytes::text, 'mtimeNs', p.mtime_ns::text, 'storedAt', p.transferred_at,
        'proof', (SELECT r.proof FROM replica r WHERE r.ledger_id = p.id AND r.destination = 'primary'))
      FROM ledger p
      WHERE p.experiment_id = c.experiment_id AND p.destination_key = c.destination_key
        AND p.state IN ('done', 'quarantined') AND p.transferred_at IS NOT NULL AND p.deleted_at IS NULL
        AND (c.version IS NULL OR p.version < c.version)
      ORDER BY p.version DESC LIMIT 1) END AS previous,
    c.version IS NULL AND EXISTS (
      SELECT 1 FROM ledger o
      WHERE o.experiment_id = c.experiment_id AND o.destination_key = c.destination_key AND o.id <> c.id
        AND o.version IS NOT NULL AND o.state NOT IN (${ENDED_STATES_SQL})) AS has_open_sibling,
    c.version IS NULL AND NOT EXISTS (
      SELECT 1 FROM ledger o
      WHERE o.experiment_id = c.experiment_id AND o.destination_key = c.destination_key
        AND o.version IS NOT NULL) AS is_destination_free
  FROM claimed c`;

/**
 * A row given back in the middle of its copy. The copy may already stand at its final name although no record says so,
 * which is remembered: it must not be taken for a file of somebody else.
 */
const CUT_OFF = `
  is_cut_off = is_cut_off OR state IN ('transferring', 'verifying'),
  state = CASE WHEN state IN ('transferring', 'verifying') THEN 'queued' ELSE state END`;

/** More of them would only bury what matters. */
const MOST_WARNINGS = 20;
const LONGEST_WARNING = 2000;

/** A step that is repeated after a crash says the same again, which is not kept twice. */
const WITH_WARNING = `(
  SELECT jsonb_agg(kept.warning ORDER BY kept.at) FROM (
    SELECT known.warning, known.at
    FROM jsonb_array_elements(coalesce(l.warnings, '[]') || jsonb_build_array(c.warning || jsonb_build_object('at', now())))
      WITH ORDINALITY AS known (warning, at)
    WHERE known.at > jsonb_array_length(coalesce(l.warnings, '[]')) OR NOT known.warning @> c.warning
    ORDER BY known.at DESC LIMIT ${MOST_WARNINGS}) kept)`;

/**
 * The working side of the ledger. A row is worked on only by whoever has claimed it; every change is a compare-and-set
 * on that claim, so a hint that comes twice, or a worker that was given up, changes nothing.
 */
@Injectable()
export class LedgerClaims {
  /** Names this run of the station. What an earlier run had claimed is free, since one run at a time owns a database. */
  private readonly claimant = randomUUID();

  constructor(private readonly database: Database) {}

  async claim(ids: readonly string[]): Promise<ClaimedRow[]> {
    const records = await this.database.query<ClaimRecord>(
      `WITH claimed AS (
         UPDATE ledger SET claimed_by = $2, updated_at = now(),
           state = CASE WHEN finished_order = 0 THEN 'transferring' ELSE 'cataloguing' END
         WHERE id IN (
           SELECT id FROM ledger
           WHERE id = ANY($1::bigint[]) AND claimed_by IS NULL AND due_at <= now()
             AND state IN ('queued', 'failed', 'cataloguing')
           FOR UPDATE SKIP LOCKED)
         RETURNING *
       ) ${WITH_SIBLINGS}`,
      [ids, this.claimant],
    );
    return records.map(toClaimedRow).sort((a, b) => Number(BigInt(a.id) - BigInt(b.id)));
  }

  /** Frees what an earlier run of the station had claimed when it died. Called once, before any work starts. */
  async releaseAll(): Promise<CutOffRow[]> {
    const rows = await this.database.query<{
      id: string;
      size_bytes: string;
      experiment_id: number;
      destination_path: Buffer;
    }>(
      `UPDATE ledger SET claimed_by = NULL, due_at = now(), updated_at = now(), ${CUT_OFF}
       WHERE claimed_by IS NOT NULL AND claimed_by <> $1
         AND state NOT IN (${ENDED_STATES_SQL})
       RETURNING id, size_bytes, experiment_id, destination_path`,
      [this.claimant],
    );
    return rows.map((row) => ({
      id: row.id,
      sizeBytes: BigInt(row.size_bytes),
      experimentId: row.experiment_id,
      destinationPath: row.destination_path,
    }));
  }

  /** Gives claimed rows back as they were, for work that could not be carried on. */
  async release(ids: readonly string[], dueInSeconds: number): Promise<void> {
    await this.database.query(
      `UPDATE ledger SET claimed_by = NULL, updated_at = now(), due_at = now() + make_interval(secs => $3), ${CUT_OFF}
       WHERE id = ANY($1::bigint[]) AND claimed_by = $2`,
      [ids, this.claimant, dueInSeconds],
    );
  }

  /** Applies changes to rows of this claim. `keepClaim`: the worker goes on with them. */
  async apply(sql: Sql, changes: readonly RowChange[], options: { keepClaim: boolean }): Promise<void> {
    if (changes.length === 0) {
      return;
    }
    await sql.query(
      `UPDATE ledger l SET state = c.state, reason_code = c.reason_code, reason = c.reason, updated_at = now(),
         attempts = coalesce(c.attempts, l.attempts),
         due_at = now() + make_interval(secs => coalesce(c.due_in, 0)),
         finished_order = coalesce(c.finished_order, l.finished_order),
         md5_sum = coalesce(c.md5_sum, l.md5_sum),
         found_md5_sum = coalesce(c.found_md5_sum, l.found_md5_sum),
         version = CASE WHEN c.drops_version THEN NULL ELSE l.version END,
         reprocesses = coalesce(c.reprocesses, l.reprocesses),
         transferred_at = CASE WHEN c.is_transferred THEN now() ELSE l.transferred_at END,
         done_at = CASE WHEN c.state = 'done' THEN now() ELSE l.done_at END,
         is_cut_off = l.is_cut_off OR c.is_cut_off,
         warnings = CASE WHEN c.warning IS NULL THEN l.warnings ELSE ${WITH_WARNING} END,
         claimed_by = CASE WHEN $12 THEN l.claimed_by END
       FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::float8[], $8::int[], $9::text[],
         $10::text[], $11::bool[], $13::bool[], $14::bool[], $15::jsonb[], $16::bigint[])
         AS c (id, state, reason_code, reason, attempts, due_in, finished_order, md5_sum, found_md5_sum, drops_version,
           is_transferred, is_cut_off, warning, reprocesses)
       WHERE l.id = c.id AND l.claimed_by = $1`,
      [
        this.claimant,
        changes.map((change) => change.id),
        changes.map((change) => change.state),
        changes.map((change) => change.reasonCode ?? null),
        changes.map((change) => storable(change.reason)),
        changes.map((change) => change.attempts ?? null),
        changes.map((change) => change.dueInSeconds ?? null),
        changes.map((change) => change.finishedOrder ?? null),
        changes.map((change) => change.md5Sum ?? null),
        changes.map((change) => change.foundMd5Sum ?? null),
        changes.map((change) => change.dropsVersion ?? false),
        options.keepClaim,
        changes.map((change) => change.isTransferred ?? false),
        changes.map((change) => change.isCutOff ?? false),
        changes.map((change) => warningJson(change.warning)),
        changes.map((change) => change.reprocesses ?? null),
      ],
    );
  }

  async addOtherSource(sql: Sql, ledgerId: string, row: ClaimedRow): Promise<void> {
    await sql.query(
      `INSERT INTO ledger_other_source (ledger_id, acquisition_id, source_host, source_path, inode, size_bytes, mtime_ns)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
      [
        ledgerId,
        row.acquisitionId,
        row.sourceHost,
        row.sourcePath,
        BigInt.asIntN(64, row.inode),
        row.sizeBytes,
        row.mtimeNs,
      ],
    );
  }

  /** Work whose time has come and that nobody holds, oldest first. */
  async due(limit: number): Promise<{ id: string; sizeBytes: bigint; isRetry: boolean }[]> {
    const rows = await this.database.query<{ id: string; size_bytes: string; is_retry: boolean }>(
      `SELECT id, size_bytes, state <> 'queued' OR attempts > 0 AS is_retry FROM ledger
       WHERE state NOT IN (${ENDED_STATES_SQL})
         AND state IN ('queued', 'failed', 'cataloguing') AND claimed_by IS NULL AND due_at <= now()
       ORDER BY due_at, id LIMIT $1`,
      [limit],
    );
    return rows.map((row) => ({ id: row.id, sizeBytes: BigInt(row.size_bytes), isRetry: row.is_retry }));
  }
}

function toClaimedRow(record: ClaimRecord): ClaimedRow {
  return {
    id: record.id,
    experimentId: record.experiment_id,
    acquisitionId: record.acquisition_id,
    destinationPath: record.destination_path,
    version: record.version,
    sourceHost: record.source_host,
    sourcePath: record.source_path,
    inode: BigInt.asUintN(64, BigInt(record.inode)),
    sizeBytes: BigInt(record.size_bytes),
    mtimeNs: BigInt(record.mtime_ns),
    attempts: record.attempts,
    finishedOrder: record.finished_order,
    md5Sum: record.md5_sum,
    catalogId: record.catalog_id,
    transferredAt: record.transferred_at,
    reprocesses: record.reprocesses,
    isCutOff: record.is_cut_off,
    previous:
      record.previous === null
        ? null
        : {
            ...record.previous,
            sizeBytes: BigInt(record.previous.sizeBytes),
            mtimeNs: BigInt(record.previous.mtimeNs),
          },
    hasOpenSibling: record.has_open_sibling,
    isDestinationFree: record.is_destination_free,
  };
}

function warningJson(warning: RowWarning | undefined): string | null {
  if (warning === undefined) {
    return null;
  }
  const message = storable(warning.message)?.slice(0, LONGEST_WARNING);
  return JSON.stringify({ plugin: warning.plugin, code: storable(warning.code), message });
}

/** Text columns cannot hold U+0000, and a fault that cannot be written down would be worked on for ever. */
function storable(text: string | null | undefined): string | null {
  return text?.replaceAll('\0', '\u2400') ?? null;
}
