import { Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { Database, type Sql } from '../../platform/database/index.js';
import { LedgerCounts } from '../ledger/ledger-counts.js';
import { ENDED_STATES } from '../ledger/ledger-row.js';
import {
  type Acquisition,
  type AcquisitionCounts,
  type AcquisitionKind,
  type AcquisitionOptions,
  type AcquisitionStatus,
  completeOptions,
  ENDED_STATUSES,
  type ExitUpload,
  type Finding,
  noCounts,
} from './acquisition.js';

interface AcquisitionRecord {
  id: string;
  kind: AcquisitionKind;
  experiment_id: number;
  status: AcquisitionStatus;
  source_host: string;
  source_directory: Buffer;
  source_device: string | null;
  source_file_system: string | null;
  source_clock_ns: string | null;
  destination_directory: Buffer;
  options: AcquisitionOptions;
  started_by: string;
  job_id: string | null;
  trigger_depth: number;
  on_exit_of: string | null;
  resumes: string | null;
  stopped_by: string | null;
  cleared_at: Date | null;
  ignores_existing: boolean;
  unchanged_files: string;
  unchanged_bytes: string;
  scan_complete: boolean;
  warnings: Finding[];
  error_message: string | null;
  created_at: Date;
  started_at: Date | null;
  stop_at: Date | null;
  ended_at: Date | null;
  exit_upload: ExitUpload | null;
}

export interface AcquisitionQuery {
  status?: readonly AcquisitionStatus[];
  kind?: AcquisitionKind;
  /** Only of these experiments. */
  experimentIds?: readonly number[];
  /** Started from here on, and before. */
  since?: string;
  until?: string;
  /** Those that were taken off the list, too. */
  isWithCleared?: boolean;
  /** Those that come after this one, newest first. */
  after?: { createdAt: string; id: string };
  limit: number;
}

export type AcquisitionChange = Partial<Pick<Acquisition, 'status' | 'startedAt' | 'scanComplete'>>;

/** Files end roughly in the order in which they are found; an index by their ends would cost every file its share. */
const LAST_FOUND = 1000;

/** All SQL of acquisitions, their counts included. */
@Injectable()
export class AcquisitionRepository {
  constructor(
    private readonly database: Database,
    private readonly ledgerCounts: LedgerCounts,
  ) {}

  async insert(sql: Sql, acquisition: Acquisition): Promise<void> {
    await sql.query(
      `INSERT INTO acquisition (id, kind, experiment_id, status, source_host, source_directory, destination_directory,
         options, started_by, job_id, trigger_depth, ignores_existing, warnings, created_at, stop_at,
         on_exit_of, source_file_system, source_clock_ns, resumes)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
      [
        acquisition.id,
        acquisition.kind,
        acquisition.experimentId,
        acquisition.status,
        acquisition.sourceHost,
        acquisition.sourceDirectory,
        acquisition.destinationDirectory,
        JSON.stringify(acquisition.options),
        acquisition.startedBy,
        acquisition.jobId,
        acquisition.triggerDepth,
        acquisition.ignoresExisting,
        JSON.stringify(acquisition.warnings),
        acquisition.createdAt,
        acquisition.stopAt,
        acquisition.onExitOf,
        acquisition.sourceFileSystem,
        acquisition.sourceClockNs,
        acquisition.resumes,
      ],
    );
  }

  /** @throws StationError ACQUISITION_NOT_FOUND */
  async get(id: string): Promise<Acquisition> {
    const acquisition = await this.find(id);
    if (acquisition === undefined) {
      throw notFound(id);
    }
    return acquisition;
  }

  async find(id: string): Promise<Acquisition | undefined> {
    const [record] = await this.database.query<AcquisitionRecord>(`SELECT * FROM acquisition WHERE id = $1`, [id]);
    return record === undefined ? undefined : toAcquisition(record);
  }

  async list(query: AcquisitionQuery): Promise<Acquisition[]> {
    const records = await this.database.query<AcquisitionRecord>(
      `SELECT * FROM acquisition
       WHERE ($1::text[] IS NULL OR status = ANY($1)) AND ($2::text IS NULL OR kind = $2)
         AND ($3::int[] IS NULL OR experiment_id = ANY($3))
         AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
         AND ($7::timestamptz IS NULL OR created_at >= $7) AND ($8::timestamptz IS NULL OR created_at < $8)
         AND ($9 OR cleared_at IS NULL)
       ORDER BY created_at DESC, id DESC LIMIT $6`,
      [
        query.status ?? null,
        query.kind ?? null,
        query.experimentIds ?? null,
        query.after?.createdAt ?? null,
        query.after?.id ?? null,
        query.limit,
        query.since ?? null,
        query.until ?? null,
        query.isWithCleared ?? false,
      ],
    );
    return records.map(toAcquisition);
  }

  /** All that are not over, oldest first. */
  async active(sql: Sql = this.database): Promise<Acquisition[]> {
    const records = await sql.query<AcquisitionRecord>(
      `SELECT * FROM acquisition WHERE status NOT IN ('done', 'failed', 'aborted') ORDER BY created_at, id`,
    );
    return records.map(toAcquisition);
  }

  /** Compare-and-set: changes nothing when the status is none of `from`; answers whether it did. */
  async change(
    sql: Sql,
    id: string,
    from: readonly AcquisitionStatus[] | 'any',
    change: AcquisitionChange,
  ): Promise<boolean> {
    const rows = await sql.query(
      `UPDATE acquisition SET
         status = coalesce($3, status),
         started_at = coalesce($4, started_at),
         scan_complete = coalesce($5, scan_complete)
       WHERE id = $1 AND ($2::text[] IS NULL OR status = ANY($2)) RETURNING id`,
      [id, from === 'any' ? null : from, change.status ?? null, change.startedAt ?? null, change.scanComplete ?? null],
    );
    return rows.length > 0;
  }

  /** Answers its record as it ended, with whoever stopped it meanwhile. */
  async end(sql: Sql, id: string, status: AcquisitionStatus, errorMessage: string | null): Promise<Acquisition> {
    const [record] = await sql.query<AcquisitionRecord>(
      `UPDATE acquisition SET status = $2, error_message = coalesce($3, error_message), ended_at = $4
       WHERE id = $1 RETURNING *`,
      [id, status, errorMessage, new Date()],
    );
    if (record === undefined) {
      throw notFound(id);
    }
    return toAcquisition(record);
  }

  async setSource(id: string, device: string, fileSystem: string): Promise<void> {
    await this.database.query(`UPDATE acquisition SET source_device = $2, source_file_system = $3 WHERE id = $1`, [
      id,
      device,
      fileSystem,
    ]);
  }

  /** The upload that was started for the end of a monitor. */
  async onExitOf(id: string): Promise<Acquisition | undefined> {
    const [record] = await this.database.query<AcquisitionRecord>(`SELECT * FROM acquisition WHERE on_exit_of = $1`, [
      id,
    ]);
    return record === undefined ? undefined : toAcquisition(record);
  }

  /** The first to ask is who stopped it. */
  async noteStop(id: string, username: string): Promise<void> {
    await this.database.query(
      `UPDATE acquisition SET stopped_by = coalesce(stopped_by, $2)
       WHERE id = $1 AND status NOT IN ('done', 'failed', 'aborted')`,
      [id, username],
    );
  }

  /** Takes ended ones off the list; answers which. */
  async clear(
    sql: Sql,
    experimentId: number,
    query: { kind: AcquisitionKind | null; status: readonly AcquisitionStatus[] | null; endedBefore: string | null },
  ): Promise<string[]> {
    const rows = await sql.query<{ id: string }>(
      `UPDATE acquisition SET cleared_at = now()
       WHERE experiment_id = $1 AND cleared_at IS NULL AND status = ANY($2::text[])
         AND ($3::text IS NULL OR kind = $3) AND ($4::text[] IS NULL OR status = ANY($4))
         AND ($5::timestamptz IS NULL OR ended_at < $5) RETURNING id`,
      [experimentId, ENDED_STATUSES, query.kind, query.status, query.endedBefore],
    );
    return rows.map(({ id }) => id);
  }

  /** Of the files that are done, the one that was finished last, as far as it is among the newest {@link LAST_FOUND}. */
  async lastFile(id: string): Promise<{ path: Buffer; doneAt: Date } | undefined> {
    const [row] = await this.database.query<{ destination_path: Buffer; done_at: Date }>(
      `SELECT destination_path, done_at FROM (
         SELECT id, destination_path, done_at FROM ledger WHERE acquisition_id = $1 AND state = 'done'
         ORDER BY id DESC LIMIT $2) newest
       ORDER BY done_at DESC, id DESC LIMIT 1`,
      [id, LAST_FOUND],
    );
    return row === undefined ? undefined : { path: row.destination_path, doneAt: row.done_at };
  }

  async setExitUpload(id: string, exitUpload: ExitUpload): Promise<void> {
    await this.database.query(`UPDATE acquisition SET exit_upload = $2 WHERE id = $1`, [
      id,
      JSON.stringify(exitUpload),
    ]);
  }

  async setUnchanged(sql: Sql, id: string, files: number, bytes: bigint): Promise<void> {
    await sql.query(`UPDATE acquisition SET unchanged_files = $2, unchanged_bytes = $3 WHERE id = $1`, [
      id,
      files,
      bytes,
    ]);
  }

  async delete(id: string): Promise<void> {
    const rows = await this.database.query(
      `DELETE FROM acquisition WHERE id = $1 AND status = ANY($2::text[])
         AND NOT EXISTS (SELECT 1 FROM ledger WHERE acquisition_id = $1) RETURNING id`,
      [id, ENDED_STATUSES],
    );
    if (rows.length === 0) {
      throw new StationError(
        'conflict',
        'ACQUISITION_HAS_RECORDS',
        'Only an ended acquisition without files of its own can be removed; this one is the record of where files came from.',
      );
    }
  }

  async counts(ids: readonly string[]): Promise<Map<string, AcquisitionCounts>> {
    const counts = new Map(ids.map((id) => [id, noCounts()]));
    for (const { acquisitionId, state, files, bytes } of await this.ledgerCounts.of(ids)) {
      const target = counts.get(acquisitionId);
      if (target !== undefined) {
        addCount(target, state, files, bytes);
      }
    }
    return counts;
  }

  /** Whether rows of it are still on their way. */
  async hasOpenRows(id: string): Promise<boolean> {
    const counts = await this.ledgerCounts.of([id]);
    return counts.some(({ state }) => !ENDED_STATES.includes(state));
  }
}

export function notFound(id: string): StationError {
  return new StationError('not-found', 'ACQUISITION_NOT_FOUND', `There is no acquisition ${id} that you may see.`);
}

type StateGroup = 'settling' | 'queued' | 'active' | 'done' | 'failed' | 'quarantined' | 'skipped' | 'cancelled';

const GROUP_OF: Record<string, StateGroup> = {
  seen: 'settling',
  settling: 'settling',
  deferred: 'settling',
  queued: 'queued',
  transferring: 'active',
  verifying: 'active',
  cataloguing: 'active',
  done: 'done',
  failed: 'failed',
  quarantined: 'quarantined',
  skipped: 'skipped',
  cancelled: 'cancelled',
};

function addCount(counts: AcquisitionCounts, state: string, files: number, bytes: number): void {
  const group = GROUP_OF[state];
  if (group === undefined) {
    return;
  }
  counts[group] += files;
  counts.found += files;
  if (group !== 'skipped' && group !== 'cancelled') {
    counts.bytesTotal += bytes;
  }
  if (group === 'done') {
    counts.bytesDone += bytes;
  }
  if (group === 'quarantined') {
    counts.bytesQuarantined += bytes;
  }
}

function toAcquisition(record: AcquisitionRecord): Acquisition {
  return {
    id: record.id,
    kind: record.kind,
    experimentId: record.experiment_id,
    status: record.status,
    sourceHost: record.source_host,
    sourceDirectory: record.source_directory,
    sourceDevice: record.source_device,
    sourceFileSystem: record.source_file_system,
    sourceClockNs: record.source_clock_ns === null ? null : BigInt(record.source_clock_ns),
    destinationDirectory: record.destination_directory,
    options: completeOptions(record.options),
    startedBy: record.started_by,
    jobId: record.job_id,
    triggerDepth: record.trigger_depth,
    onExitOf: record.on_exit_of,
    resumes: record.resumes,
    stoppedBy: record.stopped_by,
    clearedAt: record.cleared_at,
    ignoresExisting: record.ignores_existing,
    unchangedFiles: Number(record.unchanged_files),
    unchangedBytes: Number(record.unchanged_bytes),
    scanComplete: record.scan_complete,
    warnings: record.warnings,
    errorMessage: record.error_message,
    createdAt: record.created_at,
    startedAt: record.started_at,
    stopAt: record.stop_at,
    endedAt: record.ended_at,
    exitUpload: record.exit_upload,
  };
}
