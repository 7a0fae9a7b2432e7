import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import type { Proof, ReplicaTrouble } from '../../storage/index.js';

/** A source file whose time has come, with all that its removal depends on. Paths are bytes. */
export interface DueRemoval {
  ledgerId: string;
  acquisitionId: string;
  experimentId: number;
  /** An earlier attempt was about to remove it when it broke off. */
  isBegun: boolean;
  sourceHost: string;
  sourcePath: Buffer;
  /** Of the acquisition, with the file system that it was on. */
  source: { directory: Buffer; device: string | null; isJobResult: boolean };
  sizeBytes: bigint;
  mtimeNs: bigint;
  inode: bigint;
  state: string;
  md5Sum: string | null;
  isDeleted: boolean;
  /** The primary copy, and where it lies, relative to the experiment's directory; null when there is no record of one. */
  replica: (CopyRecord & { location: Buffer }) | null;
  /** Destinations that the acquisition copies to beside the storage area, with the record of the copy there. */
  further: readonly { destination: string; replica: CopyRecord | null }[];
}

/** What is on record of a copy. */
export interface CopyRecord {
  proof: Proof;
  md5Sum: string | null;
  sizeBytes: bigint;
  trouble: ReplicaTrouble | null;
}

export type RemovalOutcome =
  { kind: 'removed' } | { kind: 'kept'; code: string; reason: string } | { kind: 'later'; inSeconds: number };

interface DueRecord {
  ledger_id: string;
  acquisition_id: string;
  experiment_id: number;
  is_begun: boolean;
  source_host: string;
  source_path: Buffer;
  source_directory: Buffer;
  source_device: string | null;
  is_job_result: boolean;
  size_bytes: string;
  mtime_ns: string;
  inode: string;
  state: string;
  md5_sum: string | null;
  is_deleted: boolean;
  location: Buffer | null;
  proof: Proof | null;
  replica_md5_sum: string | null;
  replica_size_bytes: string | null;
  trouble: ReplicaTrouble | null;
  further: {
    destination: string;
    proof: Proof | null;
    md5Sum: string | null;
    sizeBytes: string | null;
    trouble: ReplicaTrouble | null;
  }[];
}

/** Which source files are to be removed, and what became of each. */
@Injectable()
export class SourceRemovalRepository {
  constructor(private readonly database: Database) {}

  /** Repeating it changes nothing; rows that have no version of their own brought nothing to be removed for. */
  async plan(acquisitionId: string, ledgerIds: readonly string[], graceSeconds: number): Promise<void> {
    await this.database.query(
      `INSERT INTO source_removal (ledger_id, acquisition_id, due_at)
       SELECT id, acquisition_id, coalesce(done_at, now()) + make_interval(secs => $3) FROM ledger
       WHERE id = ANY($2::bigint[]) AND acquisition_id = $1 AND state = 'done' ON CONFLICT DO NOTHING`,
      [acquisitionId, ledgerIds, graceSeconds],
    );
  }

  async due(limit: number): Promise<DueRemoval[]> {
    const records = await this.database.query<DueRecord>(
      `SELECT s.ledger_id, s.acquisition_id, s.begun_at IS NOT NULL AS is_begun, l.experiment_id, l.source_host,
         l.source_path, a.source_directory, a.source_device, a.job_id IS NOT NULL AS is_job_result, l.size_bytes, l.mtime_ns, l.inode, l.state, l.md5_sum,
         coalesce(original.deleted_at, l.deleted_at) IS NOT NULL AS is_deleted,
         coalesce(r.location, l.destination_path) AS location, r.proof, r.md5_sum AS replica_md5_sum,
         r.size_bytes AS replica_size_bytes, r.trouble,
         (SELECT coalesce(json_agg(json_build_object('destination', named.destination, 'proof', f.proof,
            'md5Sum', f.md5_sum, 'sizeBytes', f.size_bytes::text, 'trouble', f.trouble)), '[]')
          FROM json_array_elements_text(coalesce(a.options -> 'destinations', '[]')) AS named (destination)
          LEFT JOIN replica f ON f.ledger_id = coalesce(l.reprocesses, l.id) AND f.destination = named.destination
         ) AS further
       FROM source_removal s
       JOIN ledger l ON l.id = s.ledger_id
       JOIN acquisition a ON a.id = s.acquisition_id
       LEFT JOIN ledger original ON original.id = l.reprocesses
       LEFT JOIN replica r ON r.ledger_id = coalesce(l.reprocesses, l.id) AND r.destination = 'primary'
       WHERE s.outcome IS NULL AND s.due_at <= now() ORDER BY s.due_at LIMIT $1`,
      [limit],
    );
    return records.map(toDue);
  }

  /** Written down before the first file goes, so that one that is gone after a crash is known to be our doing. */
  async begin(ledgerIds: readonly string[]): Promise<void> {
    await this.database.query(`UPDATE source_removal SET begun_at = now() WHERE ledger_id = ANY($1::bigint[])`, [
      ledgerIds,
    ]);
  }

  async end(sql: Sql, outcomes: readonly { ledgerId: string; outcome: RemovalOutcome }[]): Promise<void> {
    const decided = outcomes.filter(({ outcome }) => outcome.kind !== 'later');
    await sql.query(
      `UPDATE source_removal s SET outcome = o.outcome, reason_code = o.code, reason = o.reason, decided_at = now()
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS o (ledger_id, outcome, code, reason)
       WHERE s.ledger_id = o.ledger_id AND s.outcome IS NULL`,
      [
        decided.map(({ ledgerId }) => ledgerId),
        decided.map(({ outcome }) => outcome.kind),
        decided.map(({ outcome }) => (outcome.kind === 'kept' ? outcome.code : null)),
        decided.map(({ outcome }) => (outcome.kind === 'kept' ? outcome.reason : null)),
      ],
    );
    await sql.query(
      `UPDATE ledger SET source_removed_at = now() WHERE id = ANY($1::bigint[]) AND source_removed_at IS NULL`,
      [outcomes.filter(({ outcome }) => outcome.kind === 'removed').map(({ ledgerId }) => ledgerId)],
    );
    const later = outcomes.flatMap(({ ledgerId, outcome }) =>
      outcome.kind === 'later' ? [{ ledgerId, inSeconds: outcome.inSeconds }] : [],
    );
    await sql.query(
      `UPDATE source_removal s SET due_at = now() + make_interval(secs => o.secs)
       FROM unnest($1::bigint[], $2::float8[]) AS o (ledger_id, secs) WHERE s.ledger_id = o.ledger_id`,
      [later.map(({ ledgerId }) => ledgerId), later.map(({ inSeconds }) => inSeconds)],
    );
  }

  /** Files on the same path that other acquisitions, which are not over, still have to copy. */
  async isAwaitedByOthers({ acquisitionId, sourceHost, sourcePath }: DueRemoval): Promise<boolean> {
    const [row] = await this.database.query<{ is_awaited: boolean }>(
      `SELECT EXISTS (
         SELECT 1 FROM acquisition a
         LEFT JOIN ledger l ON l.experiment_id = a.experiment_id
           AND l.destination_key = sha256(a.destination_directory ||
             substring($3::bytea FROM octet_length(a.source_directory) + 1))
           AND l.state NOT IN ('done', 'skipped', 'cancelled')
         WHERE a.status NOT IN ('done', 'failed', 'aborted') AND a.id <> $1 AND a.source_host = $2
           AND substring($3::bytea FROM 1 FOR octet_length(a.source_directory) + 1) = a.source_directory || '/'::bytea
           AND (l.id IS NOT NULL OR NOT a.scan_complete)) AS is_awaited`,
      [acquisitionId, sourceHost, sourcePath],
    );
    return row?.is_awaited ?? false;
  }
}

function toDue(record: DueRecord): DueRemoval {
  const { location, proof } = record;
  return {
    ledgerId: record.ledger_id,
    acquisitionId: record.acquisition_id,
    experimentId: record.experiment_id,
    isBegun: record.is_begun,
    sourceHost: record.source_host,
    sourcePath: record.source_path,
    source: {
      directory: record.source_directory,
      device: record.source_device,
      isJobResult: record.is_job_result,
    },
    sizeBytes: BigInt(record.size_bytes),
    mtimeNs: BigInt(record.mtime_ns),
    inode: BigInt.asUintN(64, BigInt(record.inode)),
    state: record.state,
    md5Sum: record.md5_sum,
    isDeleted: record.is_deleted,
    replica:
      proof === null || location === null
        ? null
        : {
            location,
            proof,
            md5Sum: record.replica_md5_sum,
            sizeBytes: BigInt(record.replica_size_bytes ?? 0),
            trouble: record.trouble,
          },
    further: record.further.map(({ destination, proof, md5Sum, sizeBytes, trouble: found }) => ({
      destination,
      replica: proof === null ? null : { proof, md5Sum, sizeBytes: BigInt(sizeBytes ?? 0), trouble: found },
    })),
  };
}
