import { Injectable } from '@nestjs/common';
import { Database, type Sql, sqlColumns } from '../platform/database/index.js';
import type { Proof } from './proof.js';

/** The station's own storage area; every other destination has a name of its own. */
export const PRIMARY = 'primary';

/** Where a file lies that was recorded and not copied; its location is the source's own, absolute path. */
export const AT_SOURCE = 'source';

export interface NewReplica {
  /** Ledger row of the file version that this is a copy of. */
  ledgerId: string;
  /** Default: {@link PRIMARY}. */
  destination?: string;
  /** Relative to the experiment's directory there; left out: the row's destination path. */
  location?: Uint8Array;
  /** Null where no digest was computed (proof `size`, `none`). */
  md5Sum: string | null;
  sizeBytes: bigint;
  proof: Proof;
}

/** What is the matter with a copy that was good once. */
export type ReplicaTrouble = 'missing' | 'damaged';

/** One copy of one file version: where it is, and how it is known that it is good. */
export interface Replica {
  ledgerId: string;
  destination: string;
  /** Relative to the experiment's directory at the destination. */
  location: Buffer;
  md5Sum: string | null;
  sizeBytes: bigint;
  proof: Proof;
  /** When it was proven. */
  verifiedAt: Date;
  /** When an audit last looked at it. */
  checkedAt: Date | null;
  trouble: ReplicaTrouble | null;
  troubleReason: string | null;
}

/** A copy together with the file version that it is one of. */
export interface ReplicaOfVersion extends Replica {
  /** Relative to the experiment's directory. */
  destinationPath: Buffer;
  version: number | null;
}

interface ReplicaRecord {
  ledger_id: string;
  destination: string;
  location: Buffer;
  md5_sum: string | null;
  size_bytes: string;
  proof: Proof;
  verified_at: Date;
  checked_at: Date | null;
  trouble: ReplicaTrouble | null;
  trouble_reason: string | null;
}

interface VersionRecord extends ReplicaRecord {
  destination_path: Buffer;
  version: number | null;
  destination_key: Buffer;
}

const COLUMNS = `r.ledger_id, r.destination, coalesce(r.location, l.destination_path) AS location, r.md5_sum,
  r.size_bytes, r.proof, r.verified_at, r.checked_at, r.trouble, r.trouble_reason`;

/** Rows of one page of a stream. */
const PAGE = 1000;

/** Which copies exist, where, and how it is known that they are good: the one door to them. */
@Injectable()
export class ReplicaRepository {
  constructor(private readonly database: Database) {}

  /** A copy that was recorded before is proven anew. */
  async record(sql: Sql, replicas: readonly NewReplica[]): Promise<void> {
    if (replicas.length === 0) {
      return;
    }
    const column = sqlColumns(replicas);
    await sql.query(
      `INSERT INTO replica (ledger_id, destination, location, md5_sum, size_bytes, proof)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::text[])
       ON CONFLICT (ledger_id, destination) DO UPDATE SET location = excluded.location, md5_sum = excluded.md5_sum,
         size_bytes = excluded.size_bytes, proof = excluded.proof, verified_at = now(), trouble = NULL,
         trouble_reason = NULL`,
      [
        column('int8', (replica) => replica.ledgerId),
        column('text', (replica) => replica.destination ?? PRIMARY),
        column('bytea', (replica) => replica.location ?? null),
        column('text', (replica) => replica.md5Sum),
        column('int8', (replica) => replica.sizeBytes),
        column('text', (replica) => replica.proof),
      ],
    );
  }

  /** Follows the content of an older version to where it is kept now, relative to the experiment's directory. */
  async move(sql: Sql, ledgerId: string, destination: string, to: Uint8Array): Promise<void> {
    await sql.query(`UPDATE replica SET location = $3 WHERE ledger_id = $1 AND destination = $2`, [
      ledgerId,
      destination,
      Buffer.from(to),
    ]);
  }

  /** For a copy that was found to be gone, or that is to be gone. */
  async forget(sql: Sql, ledgerId: string, destination: string): Promise<void> {
    await sql.query(`DELETE FROM replica WHERE ledger_id = $1 AND destination = $2`, [ledgerId, destination]);
  }

  /** Copies of these file versions, the primary ones first. */
  async of(ledgerIds: readonly string[]): Promise<Replica[]> {
    const records = await this.database.query<ReplicaRecord>(
      `SELECT ${COLUMNS} FROM replica r JOIN ledger l ON l.id = r.ledger_id
       WHERE r.ledger_id = ANY($1::bigint[])
       ORDER BY r.ledger_id, r.destination <> '${PRIMARY}', r.destination`,
      [ledgerIds],
    );
    return records.map(toReplica);
  }

  /** Every copy of an experiment's files, in pages; the versions of a path come one after the other. */
  async *ofExperiment(experimentId: number): AsyncGenerator<ReplicaOfVersion> {
    let after: VersionRecord | undefined;
    do {
      const records: VersionRecord[] = await this.database.query<VersionRecord>(
        `SELECT ${COLUMNS}, l.destination_path, l.version, l.destination_key
         FROM ledger l JOIN replica r ON r.ledger_id = l.id
         WHERE l.experiment_id = $1
           AND ($2::bytea IS NULL OR (l.destination_key, l.version, r.destination) > ($2, $3::int, $4::text))
         ORDER BY l.destination_key, l.version, r.destination LIMIT $5`,
        [experimentId, after?.destination_key ?? null, after?.version ?? null, after?.destination ?? null, PAGE],
      );
      for (const record of records) {
        yield { ...toReplica(record), destinationPath: record.destination_path, version: record.version };
      }
      after = records.length < PAGE ? undefined : records.at(-1);
    } while (after !== undefined);
  }

  /** The content of these copies was read again and agreed: proven anew, as it was proven before. */
  async confirm(sql: Sql, copies: readonly { ledgerId: string; destination: string }[]): Promise<void> {
    await sql.query(
      `UPDATE replica r SET verified_at = now(), checked_at = now(), trouble = NULL, trouble_reason = NULL
       FROM unnest($1::bigint[], $2::text[]) AS c (ledger_id, destination)
       WHERE r.ledger_id = c.ledger_id AND r.destination = c.destination`,
      [copies.map((copy) => copy.ledgerId), copies.map((copy) => copy.destination)],
    );
  }

  /** What an audit found: the copy is as it was (null), or what is the matter with it. */
  async noteCheck(
    sql: Sql,
    checks: readonly {
      ledgerId: string;
      destination: string;
      trouble: { kind: ReplicaTrouble; reason: string } | null;
    }[],
  ): Promise<void> {
    await sql.query(
      `UPDATE replica r SET checked_at = now(), trouble = c.trouble, trouble_reason = c.reason
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS c (ledger_id, destination, trouble, reason)
       WHERE r.ledger_id = c.ledger_id AND r.destination = c.destination`,
      [
        checks.map((check) => check.ledgerId),
        checks.map((check) => check.destination),
        checks.map((check) => check.trouble?.kind ?? null),
        checks.map((check) => check.trouble?.reason ?? null),
      ],
    );
  }
}

function toReplica(record: ReplicaRecord): Replica {
  return {
    ledgerId: record.ledger_id,
    destination: record.destination,
    location: record.location,
    md5Sum: record.md5_sum,
    sizeBytes: BigInt(record.size_bytes),
    proof: record.proof,
    verifiedAt: record.verified_at,
    checkedAt: record.checked_at,
    trouble: record.trouble,
    troubleReason: record.trouble_reason,
  };
}
