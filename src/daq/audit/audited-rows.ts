import { Injectable } from '@nestjs/common';
import { joinBytes } from '../../kernel/path-bytes.js';
import { Database } from '../../platform/database/index.js';
import { AT_SOURCE, PRIMARY, type Replica, ReplicaRepository } from '../../storage/index.js';
import { ENDED_STATES_SQL, type LedgerState } from '../ledger/ledger-row.js';
import { keptPath } from '../pipeline/kept-path.js';

/** A file version whose content has reached storage, with its copy there. */
export interface AuditedRow {
  id: string;
  key: Buffer;
  /** Relative to the experiment's directory. */
  path: Buffer;
  version: number;
  state: LedgerState;
  acquisitionId: string;
  jobId: string | null;
  metadata: Record<string, unknown>;
  sourceDirectory: Buffer;
  sourceHost: string;
  sourcePath: Buffer;
  /** The station has removed the source itself, as it was asked to. */
  isSourceRemoved: boolean;
  sizeBytes: bigint;
  mtimeNs: bigint;
  md5Sum: string | null;
  catalogId: string;
  storedAt: Date;
  /** Whether its acquisition puts files into the catalog. */
  isCataloged: boolean;
  /** Newer content of the same path is on its way: what is on the disk now may be either. */
  isMoving: boolean;
  /** Newest version of its path in storage. */
  isNewest: boolean;
  /** The copy in the storage area; undefined when none is recorded. */
  replica: Replica | undefined;
  /** Recorded copies at further destinations. */
  copiesElsewhere: number;
}

/** Where the copy of a row lies or belongs, relative to the experiment's directory. */
export function placeOf(row: AuditedRow): Buffer {
  return row.replica?.location ?? (row.isNewest ? row.path : keptPath({ destinationPath: row.path }, row.version));
}

export function copyPathOf(row: AuditedRow, experimentDirectory: Uint8Array): Buffer {
  return joinBytes(experimentDirectory, placeOf(row));
}

interface RowRecord {
  id: string;
  destination_key: Buffer;
  destination_path: Buffer;
  version: number;
  state: LedgerState;
  acquisition_id: string;
  job_id: string | null;
  metadata: Record<string, unknown> | null;
  source_directory: Buffer;
  source_host: string;
  source_path: Buffer;
  is_source_removed: boolean;
  size_bytes: string;
  mtime_ns: string;
  md5_sum: string | null;
  catalog_id: string;
  transferred_at: Date;
  is_cataloged: boolean;
  is_moving: boolean;
  is_newest: boolean;
}

const COLUMNS = `l.id, l.destination_key, l.destination_path, l.version, l.state, l.acquisition_id, a.job_id,
  a.options -> 'metadata' AS metadata, a.source_directory, l.source_host, l.source_path,
  l.source_removed_at IS NOT NULL AS is_source_removed, l.size_bytes, l.mtime_ns,
  l.md5_sum, l.catalog_id, l.transferred_at,
  NOT coalesce(a.options::jsonb -> 'skipPlugins' ? 'catalog', false) AS is_cataloged,
  EXISTS (SELECT FROM ledger o WHERE o.experiment_id = l.experiment_id AND o.destination_key = l.destination_key
    AND o.id <> l.id AND o.state NOT IN (${ENDED_STATES_SQL})) AS is_moving,
  NOT EXISTS (SELECT FROM ledger o WHERE o.experiment_id = l.experiment_id AND o.destination_key = l.destination_key
    AND o.version > l.version AND o.transferred_at IS NOT NULL) AS is_newest`;

/** Content has reached the storage area, and nobody has deleted it on purpose. */
const HAS_COPY = `l.version IS NOT NULL AND l.transferred_at IS NOT NULL AND l.deleted_at IS NULL`;

/** What audits ask of the ledger. */
@Injectable()
export class AuditedRows {
  constructor(
    private readonly database: Database,
    private readonly replicas: ReplicaRepository,
  ) {}

  /** Rows of an experiment with content in storage, by the keys of their paths. */
  async page(
    experimentId: number,
    after: { key: Buffer; version: number } | null,
    limit: number,
  ): Promise<AuditedRow[]> {
    return this.withReplicas(
      await this.database.query<RowRecord>(
        `SELECT ${COLUMNS} FROM ledger l JOIN acquisition a ON a.id = l.acquisition_id
         WHERE l.experiment_id = $1 AND ${HAS_COPY}
           AND (l.destination_key, l.version) > ($2::bytea, $3::int)
         ORDER BY l.destination_key, l.version LIMIT $4`,
        [experimentId, after?.key ?? Buffer.alloc(0), after?.version ?? 0, limit],
      ),
    );
  }

  /** Those of `ids` that still have content in storage, as they are now. */
  async byIds(experimentId: number, ids: readonly string[]): Promise<Map<string, AuditedRow>> {
    if (ids.length === 0) {
      return new Map();
    }
    const rows = await this.withReplicas(
      await this.database.query<RowRecord>(
        `SELECT ${COLUMNS} FROM ledger l JOIN acquisition a ON a.id = l.acquisition_id
         WHERE l.id = ANY($2::bigint[]) AND l.experiment_id = $1 AND ${HAS_COPY}`,
        [experimentId, ids],
      ),
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** For each path whether the ledger has, or is just bringing, content of it: of `version`, or of any when null. */
  async areKnown(experimentId: number, files: readonly { path: Buffer; version: number | null }[]): Promise<boolean[]> {
    const found = await this.database.query<{ ord: number }>(
      `SELECT DISTINCT wanted.ord::int AS ord
       FROM unnest($2::bytea[], $3::int[]) WITH ORDINALITY AS wanted (path, version, ord)
       JOIN ledger l ON l.experiment_id = $1 AND l.destination_key = sha256(wanted.path)
       WHERE (${HAS_COPY} AND (wanted.version IS NULL OR l.version = wanted.version))
         OR l.state NOT IN (${ENDED_STATES_SQL})`,
      [experimentId, files.map((file) => file.path), files.map((file) => file.version)],
    );
    const known = new Set(found.map((row) => row.ord));
    return files.map((_, index) => known.has(index + 1));
  }

  /** Those of `ids` that the catalog may have a document of: content in storage, or a file that was only recorded. */
  async documented(experimentId: number, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM ledger WHERE id = ANY($2::bigint[]) AND experiment_id = $1
         AND (transferred_at IS NOT NULL OR state = 'done') AND deleted_at IS NULL`,
      [experimentId, ids],
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Those of `ids` that work is still to be done on. */
  async openOf(ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM ledger WHERE id = ANY($1::bigint[]) AND state NOT IN (${ENDED_STATES_SQL})`,
      [ids],
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Copies in the storage area that were proven before `before`, the longest ago first. */
  async longestUnverified(
    experimentId: number,
    before: Date,
    after: { verifiedAt: string; id: string } | null,
    limit: number,
  ): Promise<{ id: string; verifiedAt: string }[]> {
    return this.database.query(
      `SELECT r.ledger_id AS id, r.verified_at::text AS "verifiedAt"
       FROM ledger l JOIN replica r ON r.ledger_id = l.id
       WHERE l.experiment_id = $1 AND ${HAS_COPY}
         AND r.destination = '${PRIMARY}' AND r.verified_at < $2
         AND ($3::timestamptz IS NULL OR (r.verified_at, r.ledger_id) > ($3, $4::bigint))
       ORDER BY r.verified_at, r.ledger_id LIMIT $5`,
      [experimentId, before, after?.verifiedAt ?? null, after?.id ?? null, limit],
    );
  }

  /** Places on this machine that the content of a version was found at when it was taken. */
  async otherSources(
    id: string,
    host: string,
  ): Promise<{ sourcePath: Buffer; sourceDirectory: Buffer; jobId: string | null }[]> {
    return this.database.query(
      `SELECT o.source_path AS "sourcePath", a.source_directory AS "sourceDirectory", a.job_id AS "jobId"
       FROM ledger_other_source o JOIN acquisition a ON a.id = o.acquisition_id
       WHERE o.ledger_id = $1 AND o.source_host = $2 ORDER BY o.found_at DESC LIMIT 10`,
      [id, host],
    );
  }

  private async withReplicas(records: readonly RowRecord[]): Promise<AuditedRow[]> {
    const replicas = await this.replicas.of(records.map((record) => record.id));
    const primary = new Map(
      replicas.filter(({ destination }) => destination === PRIMARY).map((replica) => [replica.ledgerId, replica]),
    );
    const elsewhere = Map.groupBy(
      replicas.filter(({ destination }) => ![PRIMARY, AT_SOURCE].includes(destination)),
      (replica) => replica.ledgerId,
    );
    return records.map((record) => ({
      id: record.id,
      key: record.destination_key,
      path: record.destination_path,
      version: record.version,
      state: record.state,
      acquisitionId: record.acquisition_id,
      jobId: record.job_id,
      metadata: record.metadata ?? {},
      sourceDirectory: record.source_directory,
      sourceHost: record.source_host,
      sourcePath: record.source_path,
      isSourceRemoved: record.is_source_removed,
      sizeBytes: BigInt(record.size_bytes),
      mtimeNs: BigInt(record.mtime_ns),
      md5Sum: record.md5_sum,
      catalogId: record.catalog_id,
      storedAt: record.transferred_at,
      isCataloged: record.is_cataloged,
      isMoving: record.is_moving,
      isNewest: record.is_newest,
      replica: primary.get(record.id),
      copiesElsewhere: elsewhere.get(record.id)?.length ?? 0,
    }));
  }
}
