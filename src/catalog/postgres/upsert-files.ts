import { driverCode, StationError } from '../../kernel/errors.js';
import { sqlColumns, type Transaction, UNIQUE_VIOLATION } from '../../platform/database/index.js';
import { pathHash } from '../filter/filter-to-sql.js';
import { JSONB_FORM, toStored } from '../metadata/stored-metadata.js';
import type { Metadata } from '../catalog-file.js';
import type { PreparedFile } from '../prepared-file.js';

/** Left of the assignment the column, right what it becomes when a known version is told again; not said is null. */
const CHANGES = {
  size_bytes: 'told.size_bytes',
  modified_at: 'told.modified_at',
  md5_sum: 'coalesce(told.md5_sum, file.md5_sum)',
  created_at: 'coalesce(told.created_at, file.created_at)',
  stored_at: 'coalesce(told.stored_at, file.stored_at)',
  acquisition_id: 'coalesce(told.acquisition_id, file.acquisition_id)',
  job_id: 'coalesce(told.job_id, file.job_id)',
  ledger_id: 'coalesce(told.ledger_id, file.ledger_id)',
  replicas: 'coalesce(told.replicas, file.replicas)',
  metadata: `coalesce(told.metadata, '{}') || file.metadata`,
};

const assignments = Object.entries(CHANGES).map(([column, value]) => `${column} = ${value}`);
const before = Object.keys(CHANGES).map((column) => `file.${column}`);

/**
 * Writes a batch and moves the counter in one statement. It runs under the counter's lock (see `counters.ts`): only so
 * can no other writer come between looking a version up and writing it. Rows that would stay as they are are not
 * written, so that a repetition costs no new row version.
 */
const UPSERT = `
  WITH told AS MATERIALIZED (
    SELECT told.*, file.id AS known_id, file.size_bytes AS known_size
    FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::int[], $7::bigint[], $8::text[],
      $9::timestamptz(3)[], $10::timestamptz(3)[], $11::timestamptz(3)[], $12::text[], $13::text[], $14::text[],
      $15::jsonb[], $16::jsonb[])
    AS told(id, path, path_hash, name, version, size_bytes, md5_sum, created_at, modified_at, stored_at,
      acquisition_id, job_id, ledger_id, replicas, metadata)
    LEFT JOIN catalog_file file
      ON file.experiment_id = $1 AND file.path_hash = told.path_hash AND file.version = told.version
  ), inserted AS (
    INSERT INTO catalog_file (id, experiment_id, path, path_hash, name, version, size_bytes, md5_sum, created_at,
      modified_at, stored_at, acquisition_id, job_id, ledger_id, replicas, metadata, updated_at)
    SELECT id, $1, path, path_hash, name, version, size_bytes, md5_sum, coalesce(created_at, modified_at), modified_at,
      coalesce(stored_at, now()), acquisition_id, job_id, ledger_id, coalesce(replicas, '[]'),
      coalesce(metadata, '{}'), now()
    FROM told WHERE known_id IS NULL
    RETURNING 0::bigint AS known_size, size_bytes, 1 AS is_new
  ), updated AS (
    UPDATE catalog_file file SET ${assignments.join(', ')}, revision = file.revision + 1, updated_at = now()
    FROM told
    WHERE $17 AND file.id = told.known_id
      AND (${before.join(', ')}) IS DISTINCT FROM (${Object.values(CHANGES).join(', ')})
    RETURNING told.known_size, file.size_bytes, 0 AS is_new
  ), moved AS (
    SELECT coalesce(sum(is_new), 0) AS inserted, count(*) - coalesce(sum(is_new), 0) AS updated,
      coalesce(sum(size_bytes - known_size), 0) AS bytes,
      coalesce(sum(size_bytes::numeric * size_bytes - known_size::numeric * known_size), 0) AS squares
    FROM (TABLE inserted UNION ALL TABLE updated) written
  ), counted AS (
    UPDATE catalog_counter SET count_files = count_files + moved.inserted, total_bytes = total_bytes + moved.bytes,
      sum_of_squares = sum_of_squares + moved.squares
    FROM moved WHERE experiment_id = $1 AND moved.inserted + moved.updated > 0
  )
  SELECT inserted, updated,
    (SELECT json_object_agg(encode(id, 'hex'), encode(known_id, 'hex')) FROM told WHERE known_id IS NOT NULL) AS known_ids
  FROM moved`;

/**
 * What most batches need: all their files are new. Those that the catalog knows already are passed by, whatever was told
 * of them. Also under the counter's lock, so that no size is counted twice.
 */
const INSERT_NEW = `
  WITH inserted AS (
    INSERT INTO catalog_file (id, experiment_id, path, path_hash, name, version, size_bytes, md5_sum, created_at,
      modified_at, stored_at, acquisition_id, job_id, ledger_id, replicas, metadata, updated_at)
    SELECT id, $1, path, path_hash, name, version, size_bytes, md5_sum, coalesce(created_at, modified_at), modified_at,
      coalesce(stored_at, now()), acquisition_id, job_id, ledger_id, coalesce(replicas, '[]'),
      coalesce(metadata, '{}'), now()
    FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::int[], $7::bigint[], $8::text[],
      $9::timestamptz(3)[], $10::timestamptz(3)[], $11::timestamptz(3)[], $12::text[], $13::text[], $14::text[],
      $15::jsonb[], $16::jsonb[])
    AS told(id, path, path_hash, name, version, size_bytes, md5_sum, created_at, modified_at, stored_at,
      acquisition_id, job_id, ledger_id, replicas, metadata)
    ON CONFLICT (experiment_id, path_hash, version) DO NOTHING
    RETURNING id, size_bytes
  ), moved AS (
    SELECT count(*) AS files, coalesce(sum(size_bytes), 0) AS bytes,
      coalesce(sum(size_bytes::numeric * size_bytes), 0) AS squares
    FROM inserted
  ), counted AS (
    UPDATE catalog_counter SET count_files = count_files + moved.files, total_bytes = total_bytes + moved.bytes,
      sum_of_squares = sum_of_squares + moved.squares
    FROM moved WHERE experiment_id = $1 AND moved.files > 0
  )
  SELECT files, CASE WHEN files < $17 THEN (SELECT array_agg(encode(id, 'hex')) FROM inserted) END AS ids FROM moved`;

interface UpsertRow {
  inserted: string;
  updated: string;
  known_ids: Record<string, string> | null;
}

export interface UpsertedBatch {
  inserted: number;
  updated: number;
  /** Ids of the documents, in the order of the batch. */
  ids: string[];
}

/** Writes the batch. The caller holds the counter's lock. @throws StationError CATALOG_ID_TAKEN. */
export async function upsertFiles(
  transaction: Transaction,
  experimentId: number,
  files: readonly PreparedFile[],
  updatesKnown: boolean,
): Promise<UpsertedBatch> {
  try {
    const columns = columnsOf(files);
    const [made] = await transaction.query<{ files: string; ids: string[] | null }>(INSERT_NEW, [
      experimentId,
      ...columns,
      files.length,
    ]);
    const inserted = Number(made?.files);
    if (inserted === files.length) {
      return { inserted, updated: 0, ids: files.map((file) => file.id) };
    }
    const isNew = new Set(made?.ids ?? []);
    const known = files.filter((file) => !isNew.has(file.id));
    const [row] = await transaction.query<UpsertRow>(UPSERT, [experimentId, ...columnsOf(known), updatesKnown]);
    return {
      inserted: inserted + Number(row?.inserted),
      updated: Number(row?.updated),
      ids: files.map((file) => row?.known_ids?.[file.id] ?? file.id),
    };
  } catch (error) {
    if (driverCode(error) === UNIQUE_VIOLATION) {
      throw new StationError('conflict', 'CATALOG_ID_TAKEN', 'Another file has one of these ids already.', {
        cause: error,
      });
    }
    throw error;
  }
}

/** One array for each parameter from `$2` on. */
function columnsOf(files: readonly PreparedFile[]): Buffer[] {
  const column = sqlColumns(files);
  const metadataTexts = new Map<Metadata, string>();
  // Files of one acquisition share their metadata, object and all.
  const metadataText = (metadata: Metadata) => {
    const known = metadataTexts.get(metadata) ?? JSON.stringify(toStored(metadata, JSONB_FORM));
    metadataTexts.set(metadata, known);
    return known;
  };
  return [
    column('bytea', (file) => Buffer.from(file.id, 'hex')),
    column('text', (file) => file.path),
    column('bytea', (file) => pathHash(file.path)),
    column('text', (file) => file.name),
    column('int4', (file) => file.version),
    column('int8', (file) => file.sizeBytes),
    column('text', (file) => file.md5Sum),
    column('timestamptz', (file) => file.createdAt),
    column('timestamptz', (file) => file.modifiedAt),
    column('timestamptz', (file) => file.storedAt),
    column('text', (file) => file.acquisitionId),
    column('text', (file) => file.jobId),
    column('text', (file) => file.ledgerId),
    column('jsonb', (file) => (file.replicas === null ? null : JSON.stringify(file.replicas))),
    column('jsonb', (file) => (file.metadata === null ? null : metadataText(file.metadata))),
  ];
}
