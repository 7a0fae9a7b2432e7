import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { isVerified, PRIMARY, PROOFS, type Replica, ReplicaRepository } from '../../storage/index.js';
import type { ManifestEntry } from './manifest-entry.js';

/** Whether a row of the ledger, by the name of its table in the query, stands for content in storage. */
function inStorage(row: string): string {
  return `${row}.version IS NOT NULL AND (${row}.transferred_at IS NOT NULL OR ${row}.state = 'done') AND ${row}.deleted_at IS NULL`;
}

/** Rows of one look into the ledger: what a manifest of any length holds in memory. */
const PAGE = 1000;

export interface ManifestQuery {
  experimentId: number;
  /** Only files whose path begins with these bytes. */
  pathPrefix: Buffer;
  /** Older versions, too; else the newest one in storage of each path. */
  isAllVersions: boolean;
}

interface EntryRecord {
  id: string;
  destination_key: Buffer;
  destination_path: Buffer;
  version: number;
  size_bytes: string;
  md5_sum: string | null;
  sha256_sum: string | null;
  mtime_ns: string;
  transferred_at: Date | null;
  acquisition_id: string;
  source_host: string;
  source_path: Buffer;
}

/**
 * Reads what is in storage for an experiment, page by page. No transaction stays open while a slow client reads: rows that
 * come after the beginning are left out by their id, and where a copy lies is asked with each page, so that every line was
 * true when it was read. The order is that of the paths' keys, which the ledger's own index gives without a second one.
 */
@Injectable()
export class ManifestReader {
  constructor(
    private readonly database: Database,
    private readonly replicas: ReplicaRepository,
  ) {}

  async *read(query: ManifestQuery): AsyncGenerator<ManifestEntry> {
    const [newest] = await this.database.query<{ id: string | null }>(`SELECT max(id) AS id FROM ledger`);
    let last: EntryRecord | undefined;
    // The newest version of a path is known once the next path has come: its record waits for that.
    let held: EntryRecord[] = [];
    do {
      const records = await this.page(query, newest?.id ?? '0', last);
      last = records.length < PAGE ? undefined : records.at(-1);
      const ready: { record: EntryRecord; isLatest: boolean }[] = [];
      for (const record of [...held, ...records]) {
        const before = ready.at(-1);
        if (before?.record.destination_key.equals(record.destination_key) === true) {
          before.isLatest = false;
        }
        ready.push({ record, isLatest: true });
      }
      held = last === undefined ? [] : ready.splice(-1).map(({ record }) => record);
      yield* await this.entriesOf(ready.filter((one) => one.isLatest || query.isAllVersions));
    } while (last !== undefined);
  }

  /** Files that a list for `sha256sum` would have to leave out, though their copies in the storage area are verified. */
  async countWithoutSha256({ experimentId, pathPrefix, isAllVersions }: ManifestQuery): Promise<number> {
    const [row] = await this.database.query<{ files: string }>(
      `SELECT count(*) AS files
       FROM ledger l JOIN replica r ON r.ledger_id = l.id AND r.destination = $4
         LEFT JOIN content_digest d ON d.ledger_id = l.id
       WHERE l.experiment_id = $1 AND ${inStorage('l')}
         AND substring(l.destination_path FROM 1 FOR octet_length($2::bytea)) = $2
         AND r.proof = ANY($5::text[]) AND r.trouble IS NULL AND d.ledger_id IS NULL
         AND ($3 OR NOT EXISTS (SELECT FROM ledger newer
           WHERE newer.experiment_id = l.experiment_id AND newer.destination_key = l.destination_key
             AND newer.version > l.version AND ${inStorage('newer')}))`,
      [experimentId, pathPrefix, isAllVersions, PRIMARY, PROOFS.filter(isVerified)],
    );
    return Number(row?.files ?? 0);
  }

  private page(query: ManifestQuery, newestId: string, after: EntryRecord | undefined): Promise<EntryRecord[]> {
    return this.database.query<EntryRecord>(
      `SELECT l.id, l.destination_key, l.destination_path, l.version, l.size_bytes, l.md5_sum, d.sha256_sum, l.mtime_ns,
         l.transferred_at, l.acquisition_id, l.source_host, l.source_path
       FROM ledger l LEFT JOIN content_digest d ON d.ledger_id = l.id
       WHERE l.experiment_id = $1 AND ${inStorage('l')} AND l.id <= $2
         AND substring(l.destination_path FROM 1 FOR octet_length($3::bytea)) = $3
         AND (l.destination_key, l.version) > ($4::bytea, $5::int)
       ORDER BY l.destination_key, l.version LIMIT ${PAGE}`,
      [query.experimentId, newestId, query.pathPrefix, after?.destination_key ?? Buffer.alloc(0), after?.version ?? 0],
    );
  }

  private async entriesOf(ready: readonly { record: EntryRecord; isLatest: boolean }[]): Promise<ManifestEntry[]> {
    const replicas = await this.replicas.of(ready.map(({ record }) => record.id));
    const byRow = Map.groupBy(replicas, (replica) => replica.ledgerId);
    return ready.map(({ record, isLatest }) => toEntry(record, isLatest, byRow.get(record.id) ?? []));
  }
}

function toEntry(record: EntryRecord, isLatest: boolean, replicas: readonly Replica[]): ManifestEntry {
  return {
    ledgerId: record.id,
    path: record.destination_path,
    version: record.version,
    isLatest,
    sizeBytes: BigInt(record.size_bytes),
    md5Sum: record.md5_sum,
    sha256Sum: record.sha256_sum,
    mtimeNs: BigInt(record.mtime_ns),
    storedAt: record.transferred_at,
    acquisitionId: record.acquisition_id,
    sourceHost: record.source_host,
    sourcePath: record.source_path,
    copies: replicas.map(({ destination, location, proof, verifiedAt, trouble }) => ({
      destination,
      location,
      proof,
      verifiedAt,
      trouble,
    })),
  };
}
