import type { CatalogFile, Metadata, Replica } from '../catalog-file.js';
import { fromStored, JSONB_FORM } from '../metadata/stored-metadata.js';

/** A row of `catalog_file` as the driver returns it. */
export interface FileRow {
  id: Buffer;
  experiment_id: number;
  path: string;
  name: string;
  version: number;
  size_bytes: string;
  md5_sum: string | null;
  created_at: Date;
  modified_at: Date;
  stored_at: Date;
  acquisition_id: string | null;
  job_id: string | null;
  ledger_id: string | null;
  replicas: Replica[];
  metadata: Metadata;
  revision: number;
  updated_at: Date;
}

export const FILE_COLUMNS =
  'id, experiment_id, path, name, version, size_bytes, md5_sum, created_at, modified_at, stored_at, acquisition_id, ' +
  'job_id, ledger_id, replicas, metadata, revision, updated_at';

export function fileOfRow(row: FileRow): CatalogFile {
  return {
    id: row.id.toString('hex'),
    experimentId: row.experiment_id,
    path: row.path,
    name: row.name,
    version: row.version,
    sizeBytes: Number(row.size_bytes),
    md5Sum: row.md5_sum,
    createdAt: row.created_at.toISOString(),
    modifiedAt: row.modified_at.toISOString(),
    storedAt: row.stored_at.toISOString(),
    acquisitionId: row.acquisition_id,
    jobId: row.job_id,
    ledgerId: row.ledger_id,
    replicas: row.replicas,
    metadata: fromStored(row.metadata, JSONB_FORM),
    revision: row.revision,
    updatedAt: row.updated_at.toISOString(),
  };
}
