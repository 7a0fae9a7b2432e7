import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Sql, sqlColumns } from '../../platform/database/index.js';
import { WITH_ROWS_IN_HAND } from './ledger-counts.js';
import {
  type ClaimedRow,
  ENDED_STATES_SQL,
  type Priority,
  type RowChange,
  type RowWarning,
  WAITS_FOR,
} from './ledger-row.js';

interface ClaimRecord {
  id: string;
  priority: Priority;
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

export interface DueRow {
  id: string;
  sizeBytes: bigint;
  priority: Priority;
  isRetry: boolean;
}

/** The end of a file that passed its last step, with nothing else to say. */
type PlainEnd = Pick<RowChange, 'id' | 'state' | 'finishedOrder' | 'md5Sum' | 'isTransferred'>;

const PLAIN_KEYS: readonly string[] = [
  'id',
  'state',
  'finishedOrder',
  'md5Sum',
  'isTransferred',
] satisfies (keyof PlainEnd)[];

/** A row whose work broke off when the station died. */
export interface CutOffRow {
  id: string;
  sizeBytes: bigint;
  priority: Priority;
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
const WITH_WARNINGS = `(
  SELECT jsonb_agg(kept.warning ORDER BY kept.at) FROM (
    SELECT said.warning, said.at FROM (
      SELECT known.warning, known.at FROM jsonb_array_elements(l.warnings) WITH ORDINALITY AS known (warning, at)
      UNION ALL
      SELECT fresh.warning || jsonb_build_object('at', now()), 1000 + fresh.at
      FROM jsonb_array_elements(c.warnings) WITH ORDINALITY AS fresh (warning, at)
      WHERE NOT coalesce(l.warnings, '[]') @> jsonb_build_array(fresh.warning)) said
    ORDER BY said.at DESC LIMIT ${MOST_WARNINGS}) kept)`;

/**
 * The working side of the ledger. A row is worked on only by whoever has claimed it; every change is a compare-and-set
 * on that claim, so a hint that comes twice, or a worker that was given up, changes nothing.
 */
@Injectable()
export class LedgerClaims {
  /** Names this run of the station. What an earlier run had claimed is free, since one run at a time owns a database. */
  readonly claimant = randomUUID();

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
      priority: Priority;
      experiment_id: number;
      destination_path: Buffer;
    }>(
      `UPDATE ledger SET claimed_by = NULL, due_at = now(), updated_at = now(), ${CUT_OFF}
       WHERE acquisition_id IN (${WITH_ROWS_IN_HAND}) AND claimed_by IS NOT NULL AND claimed_by <> $1
         AND state NOT IN (${ENDED_STATES_SQL})
       RETURNING id, size_bytes, priority, experiment_id, destination_path`,
      [this.claimant],
    );
    return rows.map((row) => ({
      id: row.id,
      sizeBytes: BigInt(row.size_bytes),
      priority: row.priority,
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

  /** Rows that this run has claimed and not touched for so long. */
  async untouched(seconds: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM ledger
       WHERE acquisition_id IN (${WITH_ROWS_IN_HAND}) AND claimed_by = $1
         AND state NOT IN (${ENDED_STATES_SQL}) AND updated_at < now() - make_interval(secs => $2)`,
      [this.claimant, seconds],
    );
    return rows.map((row) => row.id);
  }

  /** Applies changes to rows of this claim. `keepClaim`: the worker goes on with them. */
  async apply(
    sql: Sql,
    changes: readonly RowChange[],
    options: { keepClaim: boolean; claimant?: string },
  ): Promise<void> {
    const claimant = options.claimant ?? this.claimant;
    const [ending, others] = options.keepClaim ? [[], changes] : split(changes);
    await this.finish(sql, ending, claimant);
    await this.change(sql, others, options.keepClaim, claimant);
  }

  /** The way of nearly every file: no column of an index changes, so it costs a fraction of any other change. */
  private async finish(sql: Sql, changes: readonly PlainEnd[], claimant: string): Promise<void> {
    if (changes.length === 0) {
      return;
    }
    const column = sqlColumns(changes);
    await sql.query(
      `UPDATE ledger l SET state = 'done', reason_code = NULL, reason = NULL, updated_at = now(), done_at = now(),
         claimed_by = NULL, finished_order = coalesce(c.finished_order, l.finished_order),
         md5_sum = coalesce(c.md5_sum, l.md5_sum),
         transferred_at = CASE WHEN c.is_transferred THEN now() ELSE l.transferred_at END
       FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bool[]) AS c (id, finished_order, md5_sum, is_transferred)
       WHERE l.id = c.id AND l.claimed_by = $1`,
      [
        claimant,
        column('int8', (change) => change.id),
        column('int4', (change) => change.finishedOrder ?? null),
        column('text', (change) => change.md5Sum ?? null),
        column('bool', (change) => change.isTransferred ?? false),
      ],
    );
  }

  private async change(sql: Sql, changes: readonly RowChange[], keepClaim: boolean, claimant: string): Promise<void> {
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
         warnings = CASE WHEN c.warnings IS NULL THEN l.warnings ELSE ${WITH_WARNINGS} END,
         claimed_by = CASE WHEN $12 THEN l.claimed_by END
       FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::float8[], $8::int[], $9::text[],
         $10::text[], $11::bool[], $13::bool[], $14::bool[], $15::jsonb[], $16::bigint[])
         AS c (id, state, reason_code, reason, attempts, due_in, finished_order, md5_sum, found_md5_sum, drops_version,
           is_transferred, is_cut_off, warnings, reprocesses)
       WHERE l.id = c.id AND l.claimed_by = $1`,
      [
        claimant,
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
        keepClaim,
        changes.map((change) => change.isTransferred ?? false),
        changes.map((change) => change.isCutOff ?? false),
        changes.map((change) => warningsJson(change.warnings)),
        changes.map((change) => change.reprocesses ?? null),
      ],
    );
  }

  /** Which of the rows `claimant` still holds; they stay as they are until the transaction ends. */
  async stillHeld(sql: Sql, ids: readonly string[], claimant: string): Promise<Set<string>> {
    const rows = await sql.query<{ id: string }>(
      `SELECT id FROM ledger WHERE id = ANY($1::bigint[]) AND claimed_by = $2 ORDER BY id FOR UPDATE`,
      [ids, claimant],
    );
    return new Set(rows.map((row) => row.id));
  }

  async addOtherSource(
    sql: Sql,
    ledgerId: string,
    row: Pick<ClaimedRow, 'acquisitionId' | 'sourceHost' | 'sourcePath' | 'inode' | 'sizeBytes' | 'mtimeNs'>,
  ): Promise<void> {
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

  /** Gives claimed rows back that no work was begun on. */
  async giveBack(ids: readonly string[]): Promise<void> {
    await this.database.query(
      `UPDATE ledger SET claimed_by = NULL, updated_at = now(), due_at = now(),
         state = CASE WHEN finished_order = 0 THEN 'queued' ELSE 'cataloguing' END
       WHERE id = ANY($1::bigint[]) AND claimed_by = $2`,
      [ids, this.claimant],
    );
  }

  /** Work whose time has come and that nobody holds: fresh before backlog, each oldest first. */
  async due(limit: number): Promise<DueRow[]> {
    const rows = await this.database.query<{ id: string; size_bytes: string; priority: Priority; is_retry: boolean }>(
      `SELECT id, size_bytes, priority, state <> 'queued' OR attempts > 0 AS is_retry FROM ledger
       WHERE waits_for = ${WAITS_FOR.work} AND due_at <= now()
       ORDER BY priority, due_at, id LIMIT $1`,
      [limit],
    );
    return rows.map((row) => ({
      id: row.id,
      sizeBytes: BigInt(row.size_bytes),
      priority: row.priority,
      isRetry: row.is_retry,
    }));
  }
}

function toClaimedRow(record: ClaimRecord): ClaimedRow {
  return {
    id: record.id,
    priority: record.priority,
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

function warningsJson(warnings: readonly RowWarning[] | undefined): string | null {
  if (warnings === undefined || warnings.length === 0) {
    return null;
  }
  return JSON.stringify(
    warnings.map(({ plugin, code, message }) => ({
      plugin,
      code: storable(code),
      message: storable(message)?.slice(0, LONGEST_WARNING),
    })),
  );
}

function split(changes: readonly RowChange[]): [PlainEnd[], RowChange[]] {
  const isPlain = (change: RowChange) =>
    change.state === 'done' && Object.keys(change).every((key) => PLAIN_KEYS.includes(key));
  return [changes.filter(isPlain), changes.filter((change) => !isPlain(change))];
}

/** Text columns cannot hold U+0000, and a fault that cannot be written down would be worked on for ever. */
function storable(text: string | null | undefined): string | null {
  return text?.replaceAll('\0', '\u2400') ?? null;
}
