import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import { BACKLOG } from '../ledger/ledger-row.js';
import type { ClaimedOrder, CopyOrderState, CopyOrderView, OrderChange, OrderCounts } from './copy-order.js';

interface OrderRecord {
  ledger_id: string;
  experiment_id: number;
  destination_path: Buffer;
  version: number;
  size_bytes: string;
  md5_sum: string | null;
  attempts: number;
  primary_location: Buffer | null;
  previous: ClaimedOrder['previous'];
}

interface ViewRecord {
  ledger_id: string;
  destination: string;
  state: CopyOrderState;
  attempts: number;
  due_at: Date;
  reason_code: string | null;
  reason: string | null;
  found_md5_sum: string | null;
  ordered_at: Date;
}

interface CountRecord {
  destination: string;
  waiting_files: string;
  waiting_bytes: string;
  copying_files: string;
  failed_files: string;
  quarantined_files: string;
  oldest_seconds: number | null;
}

/** All SQL of copy orders. */
@Injectable()
export class CopyOrderRepository {
  /** Names this run of the station: what an earlier run had claimed is free, since one run at a time owns a database. */
  private readonly claimant = randomUUID();

  constructor(private readonly database: Database) {}

  /**
   * Orders copies of done rows at the destinations that their acquisition names. What is ordered or made already stays.
   * What was backlog on its way to the storage area is backlog here.
   */
  async order(sql: Sql, ledgerIds: readonly string[], destinations: readonly string[]) {
    await sql.query(
      `INSERT INTO copy_order (ledger_id, destination, acquisition_id, experiment_id, size_bytes, is_backlog)
       SELECT l.id, wanted.destination, l.acquisition_id, l.experiment_id, l.size_bytes, l.priority = $3
       FROM ledger l CROSS JOIN unnest($2::text[]) AS wanted (destination)
       WHERE l.id = ANY($1::bigint[]) AND l.version IS NOT NULL AND l.transferred_at IS NOT NULL
         AND EXISTS (SELECT 1 FROM replica p WHERE p.ledger_id = l.id AND p.destination = 'primary' AND p.proof <> 'none')
         AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.ledger_id = l.id AND r.destination = wanted.destination)
       ON CONFLICT DO NOTHING`,
      [ledgerIds, destinations, BACKLOG],
    );
  }

  /**
   * Claims what is due at a destination, fresh data first. An order waits while an older version of its path is still to
   * be copied there, and takes no place of the batch meanwhile. Bounded in number and, after the first, in bytes.
   */
  async claim(destination: string, limit: { files: number; bytes: number }): Promise<ClaimedOrder[]> {
    const records = await this.database.query<OrderRecord>(
      `WITH due AS (
         SELECT o.ledger_id, o.size_bytes, o.is_backlog, o.due_at FROM copy_order o JOIN ledger l ON l.id = o.ledger_id
         WHERE o.destination = $1 AND o.state IN ('waiting', 'failed') AND o.due_at <= now()
           AND (l.version = 1 OR NOT EXISTS (
             SELECT 1 FROM ledger older JOIN copy_order open ON open.ledger_id = older.id
             WHERE older.experiment_id = l.experiment_id AND older.destination_key = l.destination_key
               AND older.version < l.version AND open.destination = $1 AND open.state <> 'quarantined'))
         ORDER BY o.is_backlog, o.due_at, o.ledger_id LIMIT $3 FOR UPDATE OF o SKIP LOCKED
       ), bounded AS (
         SELECT ledger_id, sum(size_bytes) OVER (ORDER BY is_backlog, due_at, ledger_id) - size_bytes AS bytes_before FROM due
       ), claimed AS (
         UPDATE copy_order o SET state = 'copying', claimed_by = $2, updated_at = now()
         FROM bounded b
         WHERE o.ledger_id = b.ledger_id AND o.destination = $1 AND b.bytes_before < $4
         RETURNING o.ledger_id, o.attempts
       )
       SELECT l.id AS ledger_id, l.experiment_id, l.destination_path, l.version, l.size_bytes, l.md5_sum,
         c.attempts,
         CASE WHEN p.ledger_id IS NOT NULL THEN coalesce(p.location, l.destination_path) END AS primary_location,
         (SELECT json_build_object('ledgerId', older.id::text, 'version', older.version)
          FROM ledger older JOIN replica r ON r.ledger_id = older.id AND r.destination = $1
          WHERE l.version > 1 AND older.experiment_id = l.experiment_id AND older.destination_key = l.destination_key
            AND older.version < l.version
          ORDER BY older.version DESC LIMIT 1) AS previous
       FROM claimed c JOIN ledger l ON l.id = c.ledger_id
       LEFT JOIN replica p ON p.ledger_id = l.id AND p.destination = 'primary'
       ORDER BY l.id`,
      [destination, this.claimant, limit.files, limit.bytes],
    );
    return records.map(toClaimedOrder);
  }

  /** Whether a claim would find something; cheaper than a claim that finds nothing. */
  async hasDue(destination: string): Promise<boolean> {
    const [row] = await this.database.query<{ has_due: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM copy_order
         WHERE destination = $1 AND state IN ('waiting', 'failed') AND due_at <= now()) AS has_due`,
      [destination],
    );
    return row?.has_due ?? false;
  }

  /** Whether anything is still to be copied there, now or when a person says so. */
  async hasAny(destination: string): Promise<boolean> {
    const [row] = await this.database.query<{ has_any: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM copy_order WHERE destination = $1) AS has_any`,
      [destination],
    );
    return row?.has_any ?? false;
  }

  /** Orders that are claimed though nobody is copying them now: freed, with where their remains may lie. */
  async releaseAll(
    destination: string,
  ): Promise<{ ledgerId: string; experimentId: number; destinationPath: Buffer }[]> {
    const records = await this.database.query<{ ledger_id: string; experiment_id: number; destination_path: Buffer }>(
      `UPDATE copy_order o SET state = 'waiting', claimed_by = NULL, due_at = now(), updated_at = now()
       FROM ledger l
       WHERE l.id = o.ledger_id AND o.destination = $1 AND o.state = 'copying'
       RETURNING o.ledger_id, o.experiment_id, l.destination_path`,
      [destination],
    );
    return records.map((record) => ({
      ledgerId: record.ledger_id,
      experimentId: record.experiment_id,
      destinationPath: record.destination_path,
    }));
  }

  async apply(sql: Sql, destination: string, changes: readonly OrderChange[]): Promise<void> {
    if (changes.length === 0) {
      return;
    }
    await sql.query(
      `UPDATE copy_order o SET state = c.state, reason_code = c.reason_code, reason = c.reason,
         attempts = coalesce(c.attempts, o.attempts), due_at = now() + make_interval(secs => coalesce(c.due_in, 0)),
         found_md5_sum = coalesce(c.found_md5_sum, o.found_md5_sum), claimed_by = NULL, updated_at = now()
       FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[], $8::float8[], $9::text[])
         AS c (ledger_id, state, reason_code, reason, attempts, due_in, found_md5_sum)
       WHERE o.ledger_id = c.ledger_id AND o.destination = $1 AND o.claimed_by = $2`,
      [
        destination,
        this.claimant,
        changes.map((change) => change.ledgerId),
        changes.map((change) => change.state),
        changes.map((change) => change.reasonCode),
        changes.map((change) => change.reason.replaceAll('\0', '\u2400')),
        changes.map((change) => change.attempts ?? null),
        changes.map((change) => change.dueInSeconds ?? null),
        changes.map((change) => change.foundMd5Sum ?? null),
      ],
    );
  }

  /** The copies are made: their orders go, with the records of the replicas in the same transaction. */
  async fulfil(sql: Sql, destination: string, ledgerIds: readonly string[]): Promise<string[]> {
    const rows = await sql.query<{ ledger_id: string }>(
      `DELETE FROM copy_order WHERE destination = $1 AND ledger_id = ANY($2::bigint[]) AND claimed_by = $3
       RETURNING ledger_id`,
      [destination, ledgerIds, this.claimant],
    );
    return rows.map((row) => row.ledger_id);
  }

  /** Quarantined orders are tried again; answers how many. */
  async retry(destination: string): Promise<number> {
    const rows = await this.database.query(
      `UPDATE copy_order SET state = 'waiting', attempts = 0, due_at = now(), reason_code = NULL, reason = NULL,
         found_md5_sum = NULL, updated_at = now()
       WHERE destination = $1 AND state = 'quarantined'
       RETURNING ledger_id`,
      [destination],
    );
    return rows.length;
  }

  /** Orders of file versions, for `why`. */
  async of(ledgerIds: readonly string[]): Promise<CopyOrderView[]> {
    const records = await this.database.query<ViewRecord>(
      `SELECT ledger_id, destination, state, attempts, due_at, reason_code, reason, found_md5_sum, ordered_at
       FROM copy_order WHERE ledger_id = ANY($1::bigint[]) ORDER BY ledger_id, destination`,
      [ledgerIds],
    );
    return records.map((record) => ({
      ledgerId: record.ledger_id,
      destination: record.destination,
      state: record.state,
      attempts: record.attempts,
      dueAt: record.due_at.toISOString(),
      reasonCode: record.reason_code,
      reason: record.reason,
      foundMd5Sum: record.found_md5_sum,
      orderedAt: record.ordered_at.toISOString(),
    }));
  }

  /** Where the orders of each destination stand; those without orders are not in the answer. */
  async counts(scope: { acquisitionId?: string } = {}): Promise<OrderCounts[]> {
    const records = await this.database.query<CountRecord>(
      `SELECT destination,
         count(*) FILTER (WHERE state = 'waiting') AS waiting_files,
         coalesce(sum(size_bytes) FILTER (WHERE state <> 'quarantined'), 0) AS waiting_bytes,
         count(*) FILTER (WHERE state = 'copying') AS copying_files,
         count(*) FILTER (WHERE state = 'failed') AS failed_files,
         count(*) FILTER (WHERE state = 'quarantined') AS quarantined_files,
         extract(epoch FROM now() - min(ordered_at) FILTER (WHERE state <> 'quarantined'))::float8 AS oldest_seconds
       FROM copy_order WHERE $1::uuid IS NULL OR acquisition_id = $1 GROUP BY destination`,
      [scope.acquisitionId ?? null],
    );
    return records.map((record) => ({
      destination: record.destination,
      waitingFiles: Number(record.waiting_files),
      waitingBytes: Number(record.waiting_bytes),
      copyingFiles: Number(record.copying_files),
      failedFiles: Number(record.failed_files),
      quarantinedFiles: Number(record.quarantined_files),
      oldestSeconds: record.oldest_seconds,
    }));
  }
}

function toClaimedOrder(record: OrderRecord): ClaimedOrder {
  return {
    ledgerId: record.ledger_id,
    experimentId: record.experiment_id,
    destinationPath: record.destination_path,
    version: record.version,
    sizeBytes: BigInt(record.size_bytes),
    md5Sum: record.md5_sum,
    attempts: record.attempts,
    primaryLocation: record.primary_location,
    previous: record.previous,
  };
}
