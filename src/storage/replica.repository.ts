import { Injectable } from '@nestjs/common';
import { pathToText } from '../kernel/path-text.js';
import { Database, type Sql } from '../platform/database/index.js';
import type { Proof } from './proof.js';

export interface NewReplica {
  /** Ledger row of the file version that this is a copy of. */
  ledgerId: string;
  experimentId: number;
  /** Absolute path at the destination. */
  path: Uint8Array;
  /** Null if none was computed (proof `size`). */
  md5Sum: string | null;
  sizeBytes: bigint;
  proof: Proof;
}

export interface Replica {
  ledgerId: string;
  location: string;
  md5Sum: string;
  sizeBytes: number;
  proof: string;
  verifiedAt: string;
}

/** Which copies exist, where, and how it is known that they are good. */
@Injectable()
export class ReplicaRepository {
  constructor(private readonly database: Database) {}

  async record(sql: Sql, replicas: readonly NewReplica[]): Promise<void> {
    await sql.query(
      `INSERT INTO replica (ledger_id, experiment_id, path, md5_sum, size_bytes, proof)
       SELECT * FROM unnest($1::bigint[], $2::int[], $3::bytea[], $4::text[], $5::bigint[], $6::text[])
       ON CONFLICT (ledger_id, path_key) DO UPDATE SET
         md5_sum = excluded.md5_sum, size_bytes = excluded.size_bytes, proof = excluded.proof, verified_at = now()`,
      [
        replicas.map((replica) => replica.ledgerId),
        replicas.map((replica) => replica.experimentId),
        replicas.map((replica) => Buffer.from(replica.path)),
        replicas.map((replica) => replica.md5Sum),
        replicas.map((replica) => replica.sizeBytes),
        replicas.map((replica) => replica.proof),
      ],
    );
  }

  /** Follows the content of an older version to where it is kept now. */
  async move(sql: Sql, ledgerId: string, from: Uint8Array, to: Uint8Array): Promise<void> {
    await sql.query(`UPDATE replica SET path = $3 WHERE ledger_id = $1 AND path_key = sha256($2)`, [
      ledgerId,
      Buffer.from(from),
      Buffer.from(to),
    ]);
  }

  /** For a copy that was found to be gone. */
  async forget(sql: Sql, ledgerId: string, path: Uint8Array): Promise<void> {
    await sql.query(`DELETE FROM replica WHERE ledger_id = $1 AND path_key = sha256($2)`, [
      ledgerId,
      Buffer.from(path),
    ]);
  }

  async of(ledgerIds: readonly string[]): Promise<Replica[]> {
    const rows = await this.database.query<{
      ledger_id: string;
      path: Buffer;
      md5_sum: string;
      size_bytes: string;
      proof: string;
      verified_at: Date;
    }>(
      `SELECT ledger_id, path, md5_sum, size_bytes, proof, verified_at FROM replica
       WHERE ledger_id = ANY($1::bigint[]) ORDER BY ledger_id, verified_at`,
      [ledgerIds],
    );
    return rows.map((row) => ({
      ledgerId: row.ledger_id,
      location: pathToText(row.path),
      md5Sum: row.md5_sum,
      sizeBytes: Number(row.size_bytes),
      proof: row.proof,
      verifiedAt: row.verified_at.toISOString(),
    }));
  }
}
